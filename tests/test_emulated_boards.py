"""Keyword spotting and the demos' networks answer as TFLM in every emulator of every board."""

import shutil
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
from commands import COMMAND, Tinykit, shared_build
from models import shared_model

from tinykit.core.board import Board, board_paths, linked_by, load_board
from tinykit.core.errors import MissingToolError
from tinykit.host.renode import find_renode

pytestmark = pytest.mark.soak


def is_here(emulator: str, board: Board) -> bool:
    """Tell whether an emulator is installed."""
    if emulator == "unicorn":
        return find_spec("unicorn") is not None
    if emulator == "qemu":
        riscv = board.core.startswith("riscv")
        return shutil.which("qemu-system-riscv32" if riscv else "qemu-system-arm") is not None
    try:
        return bool(find_renode("renode"))
    except MissingToolError:
        return False


def emulated() -> list[object]:
    """Return every board with each of its emulators, skipped visibly where one is missing."""
    pairs = []
    for board in (load_board(path) for path in board_paths().values()):
        for emulator in board.emulators:
            missing = pytest.mark.skipif(not is_here(emulator, board), reason=f"no {emulator} here")
            uart = linked_by(board, "uart")
            pairs.append(pytest.param(uart, emulator, marks=missing, id=f"{board.name}-{emulator}"))
    return pairs


@pytest.fixture(scope="module", params=["life", "digits", "sine"])
def demo(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train and prune a demo's network once; it leaves NAME.tflite and NAME_test.npz."""
    pytest.importorskip("tensorflow")
    folder = tmp_path_factory.mktemp("demo") / str(request.param)
    command = [*COMMAND, "demo", request.param, "-o", folder]
    subprocess.run(command, capture_output=True, check=True)
    return folder


@pytest.mark.parametrize(("board", "emulator"), emulated())
def test_kws_verifies_on_every_board(
    board: Board, emulator: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = shared_build(tmp_path_factory, "kws_int8", shared_model("kws_int8"), board=board)

    report = tinykit("verify", folder, "-e", emulator, "--json").json

    assert (report["inputs"], report["mismatches"], report["board"]) == (20, 0, board.name)


@pytest.mark.parametrize(("board", "emulator"), emulated())
def test_every_demo_verifies_on_every_board(
    board: Board, emulator: str, demo: Path, tinykit: Tinykit, tmp_path: Path
) -> None:
    model, data = demo / f"{demo.name}.tflite", demo / f"{demo.name}_test.npz"
    words = ("--board", board.name, "--link", "uart", "-o", tmp_path / "build")
    assert tinykit("build", model, *words).status == 0

    report = tinykit("verify", tmp_path / "build", "-e", emulator, "--data", data, "--json").json

    assert (report["mismatches"], report["inputs"] > 100) == (0, True)
