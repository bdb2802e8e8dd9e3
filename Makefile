# What a newcomer and the CI type. Everything is installed into .venv; nothing else is needed first
# but Python 3.11 to 3.13 with venv, make and git.

PYTHON ?= $(firstword $(foreach p,python3.13 python3.12 python3.11 python3,$(if $(shell $(p) -c \
	"import sys, venv, ensurepip; sys.exit(not (3, 11) <= sys.version_info < (3, 14))" \
	2>/dev/null && echo yes),$(p))))
VENV := .venv
BIN := $(VENV)/bin
RENODE := .renode
RENODE_VENV := .renode-venv
C_FILES := $(shell git ls-files 'firmware/*.[ch]' 'firmware/*.cpp' 'tests/c/*.[ch]' 'tests/c/*.cpp')
# What each tool comes with, and a library that has none but the documents of its package.
APT := gcc:gcc clang:clang arm-none-eabi-gcc:gcc-arm-none-eabi \
	/usr/share/doc/libstdc++-arm-none-eabi-newlib:libstdc++-arm-none-eabi-newlib riscv64-unknown-elf-gcc:gcc-riscv64-unknown-elf \
	qemu-system-arm:qemu-system-arm qemu-system-riscv32:qemu-system-misc cmake:cmake openocd:openocd

.PHONY: help check test demo bench budget soak golden wheel renode clean tools

help:
	@echo "make demo    train, prune, quantize, build and verify the Game of Life on an emulated nano33"
	@echo "make test    all tests, about 10 minutes on 2 cores after the installation"
	@echo "make check   formatting, types, lint, and the C compiled by every compiler, warnings as errors"
	@echo "make bench   measure the models again and write docs/benchmarks.md"
	@echo "make budget  hold tests/project to its budget; BASE=../main says what grew since that checkout"
	@echo "make recipes compare the recipes for pruning and write docs/recipes.md; goes on if stopped"
	@echo "make soak    the long sweeps"
	@echo "make golden  write the golden files of the generated C again"
	@echo "make wheel   build dist/*.whl, and test that it is whole"
	@echo "make renode  unpack Renode into $(RENODE), and compare it with the other emulators"
	@echo "make clean   remove what the others made"

demo: $(VENV)/demo
	$(BIN)/tinykit demo life

check: $(VENV)/dev tools
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/clang-format --dry-run -Werror $(C_FILES)

test: $(VENV)/dev tools
	$(BIN)/pytest -n 2 --dist worksteal

bench: $(VENV)/dev
	$(BIN)/python tests/benchmarks.py docs/benchmarks.md

# Each checkout measures with its own tinykit, which .typing lets Python find first. One that is over its
# budget has figures, one without a project has none.
budget: $(VENV)/demo
	$(if $(BASE),mkdir -p "$(BASE)/build"; env -u GITHUB_STEP_SUMMARY PYTHONPATH="$(abspath $(BASE))/.typing" \
	    $(BIN)/python -m tinykit.host.entry check-budget "$(BASE)/tests/project" --json > "$(report)" || true)
	$(BIN)/tinykit check-budget tests/project $(if $(BASE),$$(test -s "$(report)" && echo --base "$(report)"))

report = $(BASE)/build/budget.json

recipes: $(VENV)/dev
	$(BIN)/python tests/recipes_table.py docs/recipes.md

soak: $(VENV)/dev tools
	TINYKIT_SOAK=1 $(BIN)/pytest -n 2 --dist worksteal -m "soak or not soak"

golden: $(VENV)/dev
	TINYKIT_GOLDEN=write $(BIN)/pytest tests/test_golden.py tests/test_acceptance.py -k "golden or model_in"

wheel: $(VENV)/dev
	$(BIN)/pytest tests/test_wheel.py
	rm -rf build/lib build/bdist.*
	$(BIN)/python -m pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

renode: $(VENV)/dev $(RENODE)/renode $(RENODE_VENV)/done
	RENODE_ROOT="$(CURDIR)/$(RENODE)" \
	PATH="$(CURDIR)/$(RENODE_VENV)/bin:$(CURDIR)/$(BIN):$(CURDIR)/$(RENODE):$$PATH" \
	    $(BIN)/pytest tests/test_renode.py tests/test_ci.py

clean:
	rm -rf $(VENV) $(RENODE) $(RENODE_VENV) build dist *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis

$(VENV)/demo: pyproject.toml
	$(call install,train,emulate)

$(VENV)/dev: pyproject.toml
	$(call install,train,emulate,dev)
	touch $(VENV)/demo

# Which release, and what it needs, says host/ci.py, for the workflows of users too.
package = $(shell $(BIN)/python -c "from tinykit.host.ci import RENODE; print(RENODE.$(1))")

$(RENODE)/renode: | $(VENV)/dev
	rm -rf $(RENODE) $(RENODE).new && mkdir $(RENODE).new
	curl -fsSL $(call package,url) -o $(RENODE).new/package.tar.gz
	tar -xzf $(RENODE).new/package.tar.gz --strip-components=1 -C $(RENODE).new
	rm $(RENODE).new/package.tar.gz
	mv $(RENODE).new $(RENODE)

# It wants another Robot Framework than the tests.
$(RENODE_VENV)/done: | $(VENV)/dev
	$(BIN)/python -m venv $(RENODE_VENV)
	$(RENODE_VENV)/bin/python -m pip install --quiet $(call package,requirements)
	touch $@

comma := ,
define install
$(if $(PYTHON),,$(error Python 3.11 to 3.13 with venv is needed: apt-get install python3-venv, or make PYTHON=...))
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --editable '.[$(1)$(if $(2),$(comma)$(2))$(if $(3),$(comma)$(3))]'
	touch $@
endef

# The tests use four more compilers, QEMU, cmake and openocd; without one its tests are skipped and say
# so. Not in GitHub Actions, where skipped tests would be taken for passed ones.
tools:
	@for pair in $(APT); do \
	    tool=$${pair%%:*}; package=$${pair##*:}; \
	    command -v $$tool >/dev/null || [ -e $$tool ] && continue; \
	    if [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	        apt-get install -y -q $$package >/dev/null || { apt-get update -q >/dev/null && \
	        apt-get install -y -q $$package >/dev/null; } && continue; \
	    fi; \
	    echo "$$tool is missing, its tests are skipped: apt-get install $$package"; \
	    [ -z "$$GITHUB_ACTIONS" ] || exit 1; \
	done
