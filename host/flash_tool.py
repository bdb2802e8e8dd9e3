"""Run the program that writes an image to a board: bossac, openocd, pyocd."""

import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import serial

from tinykit.core.board import Board
from tinykit.core.errors import CheckFailedError, MissingToolError
from tinykit.host.find_port import UsbPort, usb_ports
from tinykit.host.usb_devices import barred, board_device, board_ids, named, udev_rules

POLL_S = 0.2
ACCESS_S = 2.0
_DENIED = re.compile(r"permission denied|LIBUSB_ERROR_ACCESS|access denied|Operation not permitted")
# Where to get what; the usual BOSSA does not know the bootloader of the Nano 33 BLE.
HINTS = {
    "bossac": "Arduino's own: arduino-cli core install arduino:mbed_nano",
    "openocd": "apt install openocd; brew install open-ocd; on Windows its xPack",
    "pyocd": "pip install pyocd",
}
_ARDUINO = ("~/.arduino15", "~/Library/Arduino15", "~/AppData/Local/Arduino15")


def find_program(name: str) -> str | None:
    """Return the path of a flasher: Arduino's bossac first, the PATH, then pip's folder."""
    for root in _ARDUINO if name == "bossac" else ():
        pattern = "packages/arduino/tools/bossac/*/bossac*"
        found = sorted(path for path in Path(root).expanduser().glob(pattern) if path.is_file())
        if found:
            return str(found[-1])
    beside = shutil.which(name, path=str(Path(sys.executable).parent))
    return shutil.which(name) or beside


def require_program(name: str) -> str:
    """Return the path of a flasher.

    Raises:
        MissingToolError: it is not installed.
    """
    program = find_program(name)
    if program is None:
        raise MissingToolError(f"{name} is not on the PATH", HINTS.get(name, "install it"))
    return program


def command(board: Board, program: str, image: Path, device: UsbPort | None) -> list[str]:
    """Return the flasher's command line; what no device is there to tell stands as a word."""
    assert board.flasher is not None
    port, number = ("PORT", "SERIAL") if device is None else (device.device, device.serial)
    words = (w.format(port=port, serial=number, image=image) for w in board.flasher.arguments)
    return [program, *words]


def start_bootloader(board: Board, device: UsbPort, patience_s: float) -> UsbPort:
    """Return the device that the bootloader shows, which opening the port may have to start.

    Raises:
        MissingToolError: it does not appear, or there is no permission to use it.
    """
    if not to_touch(board, device):
        return device
    assert board.flasher is not None
    before = _waiting(board)
    touch(device.device, board.flasher.touch_baud)
    deadline = time.monotonic() + patience_s
    while time.monotonic() < deadline:
        found = [each for each in _waiting(board) if each not in before]
        if found:
            started = board_device(board, found[0].device if len(found) == 1 else None, found)
            _await_access(board, started)
            return started
        time.sleep(POLL_S)
    raise MissingToolError(
        f"{named(device)} did not start its bootloader within {patience_s:.0f} s",
        board.flasher.first,
    )


def to_touch(board: Board, device: UsbPort) -> bool:
    """Tell whether a device must be touched before an image can be written to it."""
    assert board.flasher is not None
    return bool(board.flasher.touch_baud) and device.usb_id not in board.usb.bootloader_ids


def touch_command(board: Board, device: UsbPort) -> str:
    """Return the touch as one would type it here."""
    assert board.flasher is not None
    if sys.platform == "win32":
        return f"mode {device.device} baud={board.flasher.touch_baud}"
    flag = "-f" if sys.platform == "darwin" else "-F"
    return f"stty {flag} {device.device} {board.flasher.touch_baud}"


def _waiting(board: Board) -> list[UsbPort]:
    """Return the bootloaders of such boards that are there."""
    return [each for each in usb_ports() if each.usb_id in board.usb.bootloader_ids]


def _await_access(board: Board, device: UsbPort) -> None:
    """Refuse a port that this user may not open, some time after it has appeared: udev is slow."""
    deadline = time.monotonic() + ACCESS_S
    while barred(device, (board,)) and time.monotonic() < deadline:
        time.sleep(POLL_S)
    require_access(board, device)


def touch(port: str, baud: int) -> None:
    """Open and close a port at the rate that starts the bootloader.

    Raises:
        MissingToolError: it cannot be opened.
    """
    try:
        with serial.Serial(port, baud) as opened:
            opened.dtr = False
    except serial.SerialException as error:
        raise MissingToolError(f"{port} cannot be opened: {error}", "close what uses it") from None
    except OSError:  # it went away while it was closed, which is what was asked for
        return


def require_access(board: Board, device: UsbPort) -> None:
    """Refuse a device that this user may not open.

    Raises:
        MissingToolError: no permission.
    """
    path = barred(device, (board,))
    if path is not None:
        raise MissingToolError(f"no permission to open {path}", udev_rules(board_ids(board)))


def run(words: Sequence[str], board: Board, heard: Callable[[str], None]) -> None:
    """Run the flasher, telling each line that it says.

    Raises:
        MissingToolError: it may not use the device.
        CheckFailedError: it failed.
    """
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace"
    ) as process:
        assert process.stdout is not None
        said = []
        for line in process.stdout:
            said.append(line.rstrip())
            heard(said[-1])
    if process.returncode == 0:
        return
    if _DENIED.search("\n".join(said)):
        raise MissingToolError(f"no permission to use {board.title}", udev_rules(board_ids(board)))
    errors = [line for line in said if line.lower().startswith("error")]  # openocd says more behind
    last = next((line for line in reversed(errors or said) if line), "it said nothing")
    assert board.flasher is not None
    raise CheckFailedError(
        f"{Path(words[0]).name} ended with status {process.returncode}: {last}",
        f"{board.flasher.first} Then repeat",
    )
