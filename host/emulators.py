"""The emulators by the names that boards and users give them."""

from pathlib import Path

from tinykit.core.board import Board
from tinykit.host.emulator import Emulator
from tinykit.host.qemu import QemuEmulator
from tinykit.host.renode import RenodeEmulator
from tinykit.host.unicorn_emulator import UnicornEmulator


def start_emulator(name: str, elf: Path, board: Board, invoke: str) -> Emulator:
    """Start the emulator of that name, which the board's file lists.

    Args:
        name: unicorn, qemu or renode.
        elf: the image, with its symbols.
        board: what it was built for.
        invoke: the model's function, for `profiled`.

    Raises:
        TinykitError: no such image, or the board has no such emulator.
        MissingToolError: it is not installed.
        EmulationError: it refused what the firmware did.
    """
    if name == "qemu":
        return QemuEmulator(elf, board, invoke)
    if name == "renode":
        return RenodeEmulator(elf, board, invoke)
    return UnicornEmulator(elf, board, invoke)
