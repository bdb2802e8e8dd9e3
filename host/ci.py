"""Write the GitHub Actions workflow of a user's project."""

from dataclasses import dataclass
from pathlib import Path

from tinykit.codegen.render import render
from tinykit.core.board import Board, find_board
from tinykit.core.config import Config
from tinykit.core.files import make_parents, refuse_overwrite, write_atomic
from tinykit.host.session import choose_emulator
from tinykit.host.version import VERSION

WORKFLOW = Path(".github", "workflows", "tinykit.yml")
_FOLDER = "build/ci"  # not the board's name, which may change without the workflow


@dataclass(frozen=True, slots=True)
class RenodePackage:
    """Hold the release of Renode that workflows use.

    Attributes:
        requirements: the share of its tests/requirements.txt that renode-test needs, with a psutil
            that has wheels; the rest asks for an older pyelftools than ours.
    """

    version: str
    url: str
    requirements: str


RENODE = RenodePackage(
    "1.16.1",
    "https://github.com/renode/renode/releases/download/v1.16.1/"
    "renode-1.16.1.linux-portable-dotnet.tar.gz",
    "robotframework==6.1 robotframework-retryfailed==0.2.0 'pyyaml==6.0.*' 'psutil>=5.9,<8' "
    "'telnetlib3==2.0.*'",
)


def write_workflow(config: Config, path: Path, force: bool) -> None:
    """Write the workflow for the board of tinykit.toml.

    Raises:
        TinykitError: there is one already, it cannot be written there, or nothing emulates the
            board.
    """
    assert config.board is not None
    board = find_board(config.board, config.boards)
    choose_emulator(None, board)  # refuse a board that no CI can run
    make_parents(path)
    refuse_overwrite(path, force)
    write_atomic(path, workflow(board, config.toolchain or "zig").encode())


def workflow(board: Board, toolchain: str) -> str:
    """Return the workflow's text."""
    return render(
        "tinykit.yml.j2",
        version=VERSION,
        folder=_FOLDER,
        packages=" ".join(_packages(board, toolchain)),
        renode=RENODE if "renode" in board.emulators else None,
        emulators=[name for name in board.emulators if name != "renode"],
    )


def _packages(board: Board, toolchain: str) -> list[str]:
    """Return the packages of Ubuntu that the board needs."""
    riscv = board.core.startswith("riscv")
    needed = []
    if "qemu" in board.emulators:
        needed.append("qemu-system-misc" if riscv else "qemu-system-arm")
    if toolchain == "gcc":
        needed.append("gcc-riscv64-unknown-elf" if riscv else "gcc-arm-none-eabi")
    return needed
