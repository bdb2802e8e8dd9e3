"""Rooms import only what DESIGN.md allows them to."""

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from models import ROOT

ALLOWED = {
    "core": {"core"},
    "train": {"train", "core"},
    "prune": {"prune", "train", "core"},
    "codegen": {"codegen", "core"},
    "firmware": set[str](),
    "host": {"host", "train", "prune", "codegen", "core"},
}
LEARNING = {"tensorflow", "keras", "sklearn", "scipy", "tf_keras", "tensorflow_model_optimization"}
# Third parties, by room; whatever is not named here needs a reason and a row.
PACKAGES = {
    "core": {"numpy"},
    "train": {"numpy", *LEARNING},
    "prune": {"numpy", "tflite", *LEARNING},
    "codegen": {"numpy", "jinja2", "tflite"},
    "firmware": set[str](),
    "host": {"numpy", "typer", "rich", "serial", "elftools", "cobs", "unicorn", "capstone"},
}
C_HEADERS = {"stdint.h", "stddef.h", "stdbool.h"}
# Written by codegen into the build folder: facts of the board, of the build, of the model.
GENERATED = {"board.h", "build.h", "mlperf.h"}
C_ALLOWED = {
    "kernels": {"kernels"},
    "libc": set[str](),
    "usb": {"usb"},
    "chips": {"chips", "usb/usb.h"},
    "link": {"link", "chips/chip.h"},
    "apps": {"apps", "link", "chips/chip.h", "chips/rest.h", "kernels/tk_nearest.h"},
    "engines": {"engines", "apps/tk_model.h", "chips/chip.h"},
}
# What engines include of others: the headers of the user's own library, and its language's.
_ENGINE_HEADERS = re.compile(r"new|tensorflow/lite/.+\.h")


def python_files(room: str) -> list[Path]:
    return sorted((ROOT / room).rglob("*.py"))


def imports(path: Path) -> Iterator[str]:
    """Yield the dotted name of every import of a file, inside of functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            assert node.module is not None
            # `from tinykit.core import affine` names a module too
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def third_parties(path: Path) -> set[str]:
    roots = {name.partition(".")[0] for name in imports(path)}
    return roots - sys.stdlib_module_names - {"tinykit"}


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_only_rooms_below(room: str) -> None:
    for path in python_files(room):
        for name in imports(path):
            parts = name.split(".")
            if parts[0] == "tinykit":
                assert parts[1] in ALLOWED[room], f"{path}: {name}"
            assert parts[0] != "tests", f"{path}: {name}"


@pytest.mark.parametrize("room", ALLOWED)
def test_rooms_import_only_their_third_parties(room: str) -> None:
    for path in python_files(room):
        lazy = {"tflite_micro"} if path == ROOT / "core" / "oracle.py" else set()
        assert third_parties(path) - PACKAGES[room] - lazy == set(), path


def test_the_oracle_imports_tflm_inside_a_function_only() -> None:
    tree = ast.parse((ROOT / "core" / "oracle.py").read_text())
    eager = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "tflite_micro" not in ast.unparse(ast.Module(list(eager), []))


def test_only_one_file_imports_unicorn() -> None:
    users = [
        p.name for room in ALLOWED for p in python_files(room) if "unicorn" in third_parties(p)
    ]
    assert users == ["unicorn_cpu.py"]


@pytest.mark.parametrize("folder", C_ALLOWED)
def test_c_files_include_only_what_is_below(folder: str) -> None:
    firmware = ROOT / "firmware"
    files = sorted((firmware / folder).glob("*.[ch]*"))
    assert files
    for path in files:
        for bracket, name in re.findall(r'#include ([<"])([^>"]+)[>"]', path.read_text()):
            if folder == "engines" and _ENGINE_HEADERS.fullmatch(name):
                continue
            if bracket == "<":
                assert name in C_HEADERS, f"{path}: {name}"
            elif name in GENERATED:
                assert folder in ("apps", "chips", "usb"), f"{path}: {name}"
            else:
                below = (path.parent / name).resolve().relative_to(firmware)
                assert (firmware / below).is_file(), f"{path}: {name}"
                assert {below.parent.name, str(below)} & C_ALLOWED[folder], f"{path}: {name}"


def test_kernels_include_nothing_but_stdint_and_their_own_headers() -> None:
    for path in sorted((ROOT / "firmware" / "kernels").glob("*.[ch]")):
        for name in re.findall(r"#include (.+)", path.read_text()):
            assert name == "<stdint.h>" or re.fullmatch(r'"tk_\w+\.h"', name), f"{path}: {name}"
