"""Look at what is installed and connected, and say what each is needed for and how to get it."""

import os
import platform
import shutil
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tinykit.core.board import Board, board_paths, load_board
from tinykit.host.find_port import usb_ports
from tinykit.host.flash_drive import find_drives, mounted
from tinykit.host.flash_tool import HINTS, find_program
from tinykit.host.usb_devices import barred, board_ids, named, udev_rules


@dataclass(frozen=True, slots=True)
class Finding:
    """Hold one thing that was looked for.

    Attributes:
        what: its name.
        found: its version or place; None if it is not there.
        needed_for: what does not work without it.
        get: how to get it, or how to put it right; empty where nothing is to be done.
        required: nothing at all works without it.
    """

    what: str
    found: str | None
    needed_for: str
    get: str = ""
    required: bool = False


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Hold all findings: of software, and of what is connected."""

    python: str
    system: str
    software: tuple[Finding, ...]
    connected: tuple[Finding, ...]


# Packages from pip, what they are needed for, how to get them.
_PACKAGES = (
    ("ziglang", "build, the default compiler", "pip install ziglang==0.17.1", True),
    ("tflite-micro", "the oracle; without it the NumPy reference stands in", "", False),
    (
        "unicorn",
        "emulated nRF52 boards",
        "pip install 'tinykit-mcu[emulate]'",
        False,
    ),
    ("capstone", "bench: cycles; with unicorn", "pip install 'tinykit-mcu[emulate]'", False),
    ("tensorflow", "train, prune, quantize", "pip install 'tinykit-mcu[train]'", False),
)
_PROGRAMS = (
    ("arm-none-eabi-gcc", "build --toolchain gcc, --engine tflm", "apt install gcc-arm-none-eabi"),
    ("riscv64-unknown-elf-gcc", "the same for RISC-V", "apt install gcc-riscv64-unknown-elf"),
    ("qemu-system-arm", "emulated microbit and qemu_an... boards", "apt install qemu-system-arm"),
    ("qemu-system-riscv32", "emulated qemu_riscv32", "apt install qemu-system-misc"),
)
_NO_ORACLE = "it has wheels for Linux on x86-64 only"


def diagnose(boards: Path | None) -> Diagnosis:
    """Look at everything, with the user's own boards."""
    known = [load_board(path) for path in board_paths(boards).values()]
    return Diagnosis(
        python=f"Python {platform.python_version()} ({sys.executable})",
        system=f"{platform.system()} {platform.machine()}",
        software=(*_packages(), *_programs(), *_flashers(known)),
        connected=(*_ports(known), *_drives(known)),
    )


def _packages() -> Iterator[Finding]:
    for name, needed_for, get, required in _PACKAGES:
        yield Finding(name, _version(name), needed_for, get or _NO_ORACLE, required)


def _version(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _programs() -> Iterator[Finding]:
    for name, needed_for, get in _PROGRAMS:
        yield Finding(name, shutil.which(name), needed_for, get)
    renode = shutil.which("renode", path=os.environ.get("RENODE_ROOT") or None)
    get = "unpack its portable release, and set RENODE_ROOT to the folder"
    yield Finding("renode", renode, "verify --emulator renode", get)
    tree = os.environ.get("TINYKIT_TFLM")
    get = "docs/tflm.md, then set TINYKIT_TFLM to the folder"
    yield Finding("TFLite Micro tree", tree, "build --engine tflm", get)


def _flashers(boards: Sequence[Board]) -> Iterator[Finding]:
    tools: dict[str, list[str]] = {}
    for board in boards:
        if board.flasher is not None and board.flasher.drive is None:
            tools.setdefault(board.flasher.tool, []).append(board.name)
    for tool, names in sorted(tools.items()):
        get = HINTS.get(tool, "see the board's file")
        yield Finding(tool, find_program(tool), f"flash {', '.join(names)}", get)


def _ports(boards: Sequence[Board]) -> Iterator[Finding]:
    for device in usb_ports():
        known = [board for board in boards if device.usb_id in board_ids(board)]
        names = " or ".join(board.name for board in known)
        what = names or "no board that is known: a serial adapter?"
        path = barred(device, known)
        get = f"no permission to open {path}: {udev_rules([device.usb_id])}" if path else ""
        yield Finding(named(device), None if path else device.device, what, get)


def _drives(boards: Sequence[Board]) -> Iterator[Finding]:
    places = mounted()
    for board in boards:
        if board.flasher is None or board.flasher.drive is None:
            continue
        for place in find_drives(board.flasher.drive, places):
            usable = os.access(place, os.W_OK)
            get = "" if usable else "no permission: mount it as yourself, udisksctl mount"
            yield Finding(f"drive {place}", str(place) if usable else None, board.name, get)
