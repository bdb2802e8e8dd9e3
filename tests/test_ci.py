"""Workflows fit the published schema, and what a user's does is done here, command by command."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import tiny
from commands import COMMAND, Ended, Tinykit
from models import ROOT
from packaging.requirements import Requirement

from tinykit.core.board import board_paths, load_board
from tinykit.host.ci import RENODE, WORKFLOW, requirement, workflow

yaml = pytest.importorskip("ruamel.yaml")
pytest.importorskip("unicorn")

OURS = ROOT / ".github" / "workflows" / "ci.yml"
BOARDS = sorted(board_paths())
PROJECT = """model = "dense.tflite"
board = "nano33"

[budget]
flash = 13_000
ram = 4_000
instructions = 100_000
"""
needs_renode = pytest.mark.skipif(
    not os.environ.get("RENODE_ROOT"), reason="no Renode here: RENODE_ROOT is not set"
)
# Robot with the two keywords that Renode brings to it, and unicorn behind them.
RENODE_TEST = """#!/bin/sh
exec "{python}" -m robot --pythonpath "{folder}" --prerunmodifier keywords.Import \\
    --output NONE --log NONE --report NONE "$@"
"""
KEYWORDS = """
from pathlib import Path
from robot.api import SuiteVisitor
from tinykit.core.board import find_board, linked_by
from tinykit.host.unicorn_emulator import UnicornEmulator

running = []

class Import(SuiteVisitor):
    def start_suite(self, suite):
        suite.resource.imports.library("keywords")

def execute_command(command):
    words = command.split()
    if words[0] == "include":
        elf = Path(words[1].removeprefix("@")).with_name("firmware.elf")
        board = linked_by(find_board("nano33"), "uart")
        running.append(UnicornEmulator(elf, board, "dense_invoke"))
    elif words[1] == "CreateUartPtyTerminal":
        link = Path(words[3].strip('"'))
        link.unlink(missing_ok=True)
        link.symlink_to(running[0].port)

def start_emulation():
    pass
"""


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make a user's project, and the checkout of its base branch, and go there."""
    folder = tmp_path / "project"
    for place, zeros in ((folder, 0.98), (folder / ".tinykit-base", 0.0)):
        place.mkdir()
        (place / "dense.tflite").write_bytes(tiny.dense(zeros=zeros))
        (place / "tinykit.toml").write_text(PROJECT)
    monkeypatch.chdir(folder)
    monkeypatch.delenv("GITHUB_STEP_SUMMARY", raising=False)
    return folder


def written(board: str, toolchain: str) -> str:
    return workflow(load_board(board_paths()[board]), toolchain, requirement(None))


def steps(path: Path) -> list[dict[str, Any]]:
    """Return the steps of all jobs of a workflow."""
    jobs = yaml.YAML(typ="safe").load(path.read_text())["jobs"]
    return [step for job in jobs.values() for step in job["steps"]]


def commands(path: Path) -> list[str]:
    return [step["run"] for step in steps(path) if "run" in step]


def run_step(command: str, project: Path) -> Ended:
    """Run a step as GitHub Actions does, with this tinykit on the PATH."""
    binaries = project.parent / "bin"
    binaries.mkdir(exist_ok=True)
    (binaries / "tinykit").write_text(f'#!/bin/sh\nexec "{COMMAND[0]}" -m {COMMAND[2]} "$@"\n')
    (binaries / "tinykit").chmod(0o755)
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", command],
        cwd=project,
        env={
            **os.environ,
            "PATH": f"{binaries}:{os.environ['PATH']}",
            "GITHUB_STEP_SUMMARY": str(project.parent / "summary.md"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def fits_the_schema(*paths: Path) -> None:
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema"]
    done = subprocess.run(
        [*command, "vendor.github-workflows", *paths], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_schema_finds_a_mistake(tmp_path: Path) -> None:
    path = tmp_path / "tinykit.yml"
    path.write_text(written("nano33", "zig").replace("runs-on", "runs"))
    with pytest.raises(AssertionError, match="runs"):
        fits_the_schema(path)


def test_the_workflow_of_every_board_fits_the_published_schema(tmp_path: Path) -> None:
    paths = []
    for name in BOARDS:
        for toolchain in ("zig", "gcc"):
            paths.append(tmp_path / f"{name}-{toolchain}.yml")
            paths[-1].write_text(written(name, toolchain))
    fits_the_schema(*paths)


@pytest.mark.parametrize("name", BOARDS)
def test_a_workflow_runs_every_emulator_of_its_board(name: str, tmp_path: Path) -> None:
    board = load_board(board_paths()[name])
    path = tmp_path / "tinykit.yml"
    path.write_text(written(name, "zig"))
    text = "\n".join(commands(path))
    for emulator in board.emulators:
        word = "renode-test" if emulator == "renode" else f"--emulator {emulator}\n"
        assert word in text
    assert ("renode" in text.lower()) == ("renode" in board.emulators)
    assert ("apt-get install -y qemu-system" in text) == ("qemu" in board.emulators)
    assert "\n\n\n" not in path.read_text()


def test_gcc_is_installed_where_tinykit_toml_asks_for_it() -> None:
    assert "apt-get install -y gcc-arm-none-eabi\n" in written("nano33", "gcc")
    assert "qemu-system-misc gcc-riscv64-unknown-elf\n" in written("qemu_riscv32", "gcc")
    assert "apt-get" not in written("nano33", "zig")


def test_versions_are_pinned(tinykit: Tinykit, project: Path) -> None:
    tinykit("ci", "init")
    text = WORKFLOW.read_text()
    assert 'TINYKIT: "tinykit-mcu[emulate]==0.1.0"' in text
    assert f"/v{RENODE.version}/renode-{RENODE.version}.linux-portable" in text
    for path in (WORKFLOW, OURS):
        for step in steps(path):
            assert re.fullmatch(r"actions/[\w-]+@v\d+", step.get("uses", "actions/x@v1"))


@pytest.mark.parametrize(
    ("source", "installed"),
    [
        (
            "git+https://github.com/me/tinykit@v0.1.0",
            "tinykit-mcu[emulate] @ git+https://github.com/me/tinykit@v0.1.0",
        ),
        ("tinykit-mcu[emulate]>=0.1, <0.2", "tinykit-mcu[emulate]>=0.1, <0.2"),
    ],
)
def test_tinykit_can_be_installed_from_elsewhere(
    tinykit: Tinykit, project: Path, source: str, installed: str
) -> None:
    assert Requirement(installed).extras == {"emulate"}
    assert tinykit("ci", "init", "--from", source).status == 0
    fits_the_schema(WORKFLOW)
    (job,) = yaml.YAML(typ="safe").load(WORKFLOW.read_text())["jobs"].values()
    assert job["env"]["TINYKIT"] == installed
    assert commands(WORKFLOW)[0] == 'python -m pip install "$TINYKIT"'


@pytest.mark.parametrize("source", ["", "tinykit", "tinykit-mcu-other", 'git+https://x/"', "a\nb"])
def test_what_pip_could_not_install_is_refused(
    tinykit: Tinykit, project: Path, source: str
) -> None:
    line, hint = tinykit.refuses("ci", "init", "--from", source)
    assert line.startswith("--from ")
    assert hint == "for example: --from git+https://github.com/OWNER/tinykit@v0.1.0"
    assert not WORKFLOW.exists()


def test_a_project_on_tflm_is_refused(tinykit: Tinykit, project: Path) -> None:
    Path("tinykit.toml").write_text('engine = "tflm"\n' + PROJECT)
    line, _ = tinykit.refuses("ci", "init")
    assert line.startswith('tinykit ci init writes no workflow for engine = "tflm"')
    assert not WORKFLOW.exists()


def test_every_command_of_a_workflow_runs_here(tinykit: Tinykit, project: Path) -> None:
    assert tinykit("ci", "init").status == 0
    ours = [command for command in commands(WORKFLOW) if command.startswith("tinykit ")]
    assert [command.split()[1] for command in ours] == ["build", "verify", "check-budget"]

    for command in ours:
        ended = run_step(command, project)
        assert ended.status == 0, ended.err

    assert (project / "build" / "ci" / "renode.robot").is_file()
    summary = (project.parent / "summary.md").read_text()
    flash = re.search(r"\| flash, bytes \| ([\d ]+) \| at most 13 000 \| ([\d ]+) \| -", summary)
    assert flash is not None and int(flash[1].replace(" ", "")) < int(flash[2].replace(" ", ""))


def test_a_workflow_fails_on_a_budget(tinykit: Tinykit, project: Path) -> None:
    tinykit("ci", "init")
    (project / "tinykit.toml").write_text(PROJECT.replace("100_000", "100"))
    *_, last = commands(WORKFLOW)
    ended = run_step(last, project)
    assert ended.status == 1
    assert "tinykit: over budget: instructions is " in ended.err
    assert "at most 100 (over)" in (project.parent / "summary.md").read_text()


def test_the_robot_test_of_a_workflow_streams_the_project_s_inputs(
    tinykit: Tinykit, project: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("robot")
    tinykit("ci", "init")
    (project.parent / "keywords.py").write_text(KEYWORDS)
    program = project.parent / "renode-test"
    program.write_text(RENODE_TEST.format(python=sys.executable, folder=project.parent))
    program.chmod(0o755)
    monkeypatch.setenv("RENODE_ROOT", str(project.parent))
    monkeypatch.setenv("TMPDIR", str(project.parent))  # where the link to the port is made
    assert tinykit("build", "--link", "uart", "-o", "build/ci").status == 0
    (command,) = [command for command in commands(WORKFLOW) if "/renode-test" in command]
    ended = run_step(command, project)
    assert ended.status == 0, ended.out + ended.err
    assert "1 test, 1 passed, 0 failed" in ended.out
    told = re.search(r"at least (\d+) instructions, (\d+) us of virtual time", ended.out)
    assert told is not None and int(told[1]) == 64 * (int(told[2]) - 2) > 0

    Path("tinykit.toml").write_text(PROJECT.replace("100_000", str(int(told[1]) - 1)))
    ended = run_step(command, project)
    assert ended.status == 1
    assert f"'{told[1]} <= {int(told[1]) - 1}' should be true" in ended.out


@needs_renode
def test_the_robot_test_of_a_workflow_passes_here(tinykit: Tinykit, project: Path) -> None:
    tinykit("ci", "init")
    for command in commands(WORKFLOW):
        if command.startswith("tinykit build") or "/renode-test" in command:
            ended = run_step(command, project)
            assert ended.status == 0, ended.out + ended.err


def test_a_workflow_that_is_there_is_not_overwritten(tinykit: Tinykit, project: Path) -> None:
    assert tinykit("ci", "init", "--json").json == {"workflow": str(WORKFLOW), "board": "nano33"}
    assert [path.name for path in WORKFLOW.parent.iterdir()] == ["tinykit.yml"]
    written = WORKFLOW.read_text()
    WORKFLOW.write_text("mine")
    line, hint = tinykit.refuses("ci", "init")
    assert line == f"{WORKFLOW} exists"
    assert hint == "choose another name with -o, or add --force"
    assert WORKFLOW.read_text() == "mine"
    assert tinykit("ci", "init", "--force").status == 0
    assert WORKFLOW.read_text() == written


def test_a_workflow_can_have_another_name(tinykit: Tinykit, project: Path) -> None:
    assert tinykit("ci", "init", "-o", ".github/workflows/board.yml").status == 0
    assert not WORKFLOW.exists() and Path(".github/workflows/board.yml").is_file()


def test_a_folder_that_cannot_be_written_is_said(tinykit: Tinykit, project: Path) -> None:
    Path(".github").write_text("a file")
    line, hint = tinykit.refuses("ci", "init")
    assert line.startswith(f"cannot write {WORKFLOW}: ")
    assert hint == "choose another place with -o"
    Path(".github").unlink()
    WORKFLOW.mkdir(parents=True)
    line, _ = tinykit.refuses("ci", "init", "--force")
    assert line == f"{WORKFLOW} is a folder"


def test_our_own_workflow_fits_the_schema_and_only_calls_make() -> None:
    fits_the_schema(OURS)
    phony = re.search(r"^\.PHONY: (.+)$", (ROOT / "Makefile").read_text(), re.M)
    assert phony is not None
    called = set()
    for command in commands(OURS):
        found = re.fullmatch(r"(?:sudo )?make ([a-z]+)(?: [A-Z]+=\S+ ?.*)?", command)
        assert found is not None, command
        called.add(found[1])
    assert called == {"tools", "check", "test", "demo", "wheel", "renode", "budget"}
    assert called <= set(phony[1].split())


def test_our_own_workflow_tells_what_grew_since_the_base_branch() -> None:
    job = yaml.YAML(typ="safe").load(OURS.read_text())["jobs"]["budget"]
    checkouts = [step.get("with") for step in job["steps"] if "checkout" in step.get("uses", "")]
    assert [each and each["path"] for each in checkouts] == [None, "build/base"]
    assert job["steps"][-1]["run"] == "make budget BASE=build/base"
    assert (ROOT / "tests" / "project" / "image.tflite").read_bytes() == tiny.image()


@pytest.mark.parametrize("has_project", [True, False])
def test_make_budget_measures_the_base_with_its_own_tinykit(
    has_project: bool, tmp_path: Path
) -> None:
    base = tmp_path / "base"
    for room in ("core", "codegen", "firmware", "host", "prune", "train", ".typing"):
        shutil.copytree(ROOT / room, base / room, symlinks=True)
    sizes = base / "host" / "sizes.py"
    sizes.write_text(sizes.read_text().replace("(most + FAULT_BYTES)", "(most + 2 * FAULT_BYTES)"))
    if has_project:
        shutil.copytree(ROOT / "tests" / "project", base / "tests" / "project")
    words = (f"BIN={Path(sys.executable).parent}", f"BASE={base}", "-o", ".venv/demo")
    done = subprocess.run(
        ["make", "budget", *words],
        cwd=ROOT,
        env={**os.environ, "GITHUB_STEP_SUMMARY": str(tmp_path / "summary.md")},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    summary = (tmp_path / "summary.md").read_text()
    assert summary.count("## image on nano33") == 1
    assert ("| -256 |" in summary) == has_project
    assert ("there is no tinykit.toml" in done.stderr) != has_project
