"""Write the GitHub Actions workflow of a user's project."""

import re
from dataclasses import dataclass
from pathlib import Path

from tinykit.codegen.render import render
from tinykit.core.board import Board, find_board
from tinykit.core.config import Config
from tinykit.core.errors import TinykitError
from tinykit.core.files import make_parents, refuse_overwrite, write_atomic
from tinykit.host.session import choose_emulator
from tinykit.host.version import VERSION

WORKFLOW = Path(".github", "workflows", "tinykit.yml")
_PACKAGE = "tinykit-mcu"
_FROM = "for example: --from git+https://github.com/OWNER/tinykit@v" + VERSION
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


def write_workflow(config: Config, path: Path, force: bool, source: str | None) -> None:
    """Write the workflow for the board of tinykit.toml.

    Args:
        config: tinykit.toml.
        path: the file.
        force: replace one that is there.
        source: where the workflow gets tinykit from; None is the package index.

    Raises:
        TinykitError: there is one already, it cannot be written there, nothing emulates the board,
            or the workflow could not do what tinykit.toml says.
    """
    assert config.board is not None
    board = find_board(config.board, config.boards)
    choose_emulator(None, board)  # refuse a board that no CI can run
    _refuse_tflm(config)
    text = workflow(board, config.toolchain or "zig", requirement(source))
    make_parents(path)
    refuse_overwrite(path, force)
    write_atomic(path, text.encode())


def requirement(source: str | None) -> str:
    """Return what pip is to install: this version, a requirement of ours, or our extra at a URL.

    Raises:
        TinykitError: it is none of these.
    """
    if source is None:
        return f"{_PACKAGE}[emulate]=={VERSION}"
    if not re.fullmatch(r"[\x21\x23-\x5b\x5d-\x7e ]+", source):  # it goes into a YAML string
        raise TinykitError(f"--from {source!r} has characters that no URL has", _FROM)
    if re.match(rf"{_PACKAGE}(?![\w.-])", source):
        return source
    if "://" in source:
        return f"{_PACKAGE}[emulate] @ {source}"
    raise TinykitError(f"--from {source} is neither a URL nor a requirement of {_PACKAGE}", _FROM)


def _refuse_tflm(config: Config) -> None:
    if config.engine == "tflm":
        raise TinykitError(
            'tinykit ci init writes no workflow for engine = "tflm": it cannot know where GitHub '
            "finds a built tree of TensorFlow Lite Micro",
            'engine = "native" in tinykit.toml; docs/ci.md says what a workflow for tflm needs',
        )


def workflow(board: Board, toolchain: str, installed: str) -> str:
    """Return the workflow's text.

    Args:
        board: its emulators decide what runs.
        toolchain: zig or gcc.
        installed: the requirement that pip gets.
    """
    return render(
        "tinykit.yml.j2",
        version=VERSION,
        requirement=installed,
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
