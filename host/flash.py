"""Put an image on a board by the board's usual way, and hear from the board that it runs."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from tinykit.core.board import DRIVE, Board, Drive
from tinykit.core.errors import MissingToolError, TinykitError
from tinykit.host import flash_drive, flash_tool
from tinykit.host.apps import APPS
from tinykit.host.find_port import UsbPort, usb_ports
from tinykit.host.record import BuildRecord
from tinykit.host.session import Place, open_session
from tinykit.host.usb_devices import board_device, board_ids, named

BOOTLOADER_S = 8.0
TAKEN_S = 20.0
PORT_S = 10.0
_POLL_S = 0.2

Progress = Callable[[str], None]
_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Target:
    """Say where the board is, as far as the user says it.

    Attributes:
        port: the serial port that the flasher uses.
        drive: where the board's drive is mounted.
        link: the serial port that the image will answer at, if it is another.
    """

    port: str | None = None
    drive: Path | None = None
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Flashed:
    """Hold what was done.

    Attributes:
        commands: what was run or copied, as one would type it.
        answered: the port at which the board said that it runs this very image; None if nobody
            asked it.
    """

    board: str
    commands: tuple[str, ...]
    answered: str | None


def planned(folder: Path, record: BuildRecord, board: Board, target: Target) -> Flashed:
    """Return what would be done, with words where a device is not there to tell.

    Raises:
        TinykitError: nothing flashes this board, the device is another, or several are connected.
    """
    image = _image(folder, record, board)
    assert board.flasher is not None
    if board.flasher.drive is not None:
        return Flashed(board.name, _planned_copy(image, board, target), None)
    ports = usb_ports()
    there = any(each.usb_id in board_ids(board) for each in ports)
    device = board_device(board, target.port, ports) if there or target.port else None
    program = flash_tool.find_program(board.flasher.tool) or board.flasher.tool
    words = _typed(flash_tool.command(board, program, image, device))
    return Flashed(board.name, (*_planned_touch(board, device), words), None)


def _planned_copy(image: Path, board: Board, target: Target) -> tuple[str, ...]:
    assert board.flasher is not None and board.flasher.drive is not None
    if target.drive is not None:
        return (f"cp {image} {flash_drive.choose_drive(board, target.drive, ())}/",)
    places = flash_drive.find_drives(board.flasher.drive, flash_drive.mounted())
    device = _running(board, target, places)
    if device is not None or not places:
        return (*_planned_touch(board, device), f"cp {image} {board.flasher.drive.label}/")
    return (f"cp {image} {flash_drive.choose_drive(board, None, places)}/",)


def _planned_touch(board: Board, device: UsbPort | None) -> tuple[str, ...]:
    if device is None or not flash_tool.to_touch(board, device):
        return ()
    return (flash_tool.touch_command(board, device),)


def flash(
    folder: Path, record: BuildRecord, board: Board, target: Target, progress: Progress
) -> Flashed:
    """Write the image of a build folder to the board.

    Raises:
        TinykitError: nothing flashes this board, the device is another, or several are connected.
        MissingToolError: no board, no flasher, or no permission.
        CheckFailedError: it failed, or the board runs something else afterwards.
    """
    image = _image(folder, record, board)
    assert board.flasher is not None
    if board.flasher.tool == DRIVE:
        done = _copy(image, board, target, progress)
    else:
        done = _run(image, board, target, progress)
    return Flashed(board.name, (done,), _hear(folder, record, board, target, progress))


def _image(folder: Path, record: BuildRecord, board: Board) -> Path:
    if board.flasher is None:
        raise TinykitError(
            f"{board.name} exists in an emulator only", f"tinykit verify {folder} --emulator qemu"
        )
    return folder / record.files[board.flasher.image]


def _copy(image: Path, board: Board, target: Target, progress: Progress) -> str:
    assert board.flasher is not None and board.flasher.drive is not None
    drive = board.flasher.drive
    places = flash_drive.find_drives(drive, flash_drive.mounted())
    device = _running(board, target, places)
    if device is not None:
        flash_tool.require_access(board, device)
        progress(f"starting the bootloader of {named(device)}")
        flash_tool.touch(device.device, board.flasher.touch_baud)
        places = _await(lambda: _appeared(drive, places), BOOTLOADER_S)
    place = flash_drive.choose_drive(board, target.drive, places)
    progress(f"copying {image.name} to {place}")
    flash_drive.write(image, place, board, TAKEN_S)
    return f"cp {image} {place}/"


def _running(board: Board, target: Target, places: Sequence[Path]) -> UsbPort | None:
    """Return the device that has to be touched before its drive is there; None if there is none.

    Raises:
        TinykitError: several could be meant, or the one at the user's port is another.
    """
    found = [each for each in usb_ports() if each.usb_id in board.usb.ids]
    if target.port is not None:
        device = board_device(board, target.port, usb_ports())
    elif found and not places and target.drive is None:
        device = board_device(board, None, found)
    else:
        return None
    return device if target.drive is None and flash_tool.to_touch(board, device) else None


def _appeared(drive: Drive, before: Sequence[Path]) -> list[Path]:
    found = flash_drive.find_drives(drive, flash_drive.mounted())
    return [place for place in found if place not in before]


def _run(image: Path, board: Board, target: Target, progress: Progress) -> str:
    assert board.flasher is not None
    program = flash_tool.require_program(board.flasher.tool)
    device = board_device(board, target.port, usb_ports())
    flash_tool.require_access(board, device)
    progress(f"starting the bootloader of {named(device)}")
    device = flash_tool.start_bootloader(board, device, BOOTLOADER_S)
    words = flash_tool.command(board, program, image, device)
    flash_tool.run(words, board, progress)
    return _typed(words)


def _hear(
    folder: Path, record: BuildRecord, board: Board, target: Target, progress: Progress
) -> str | None:
    """Say hello to the board, which answers with what it runs; return its port."""
    if not APPS[record.app].linked:
        return None
    port = target.link
    if port is None and not board.link.usb:
        return None
    if port is None:
        progress("waiting for the board's port")
        port = _own_port(board, target)
    with open_session(folder, record, Place(port, None)):
        return port


def _own_port(board: Board, target: Target) -> str:
    def there() -> list[UsbPort]:
        return [d for d in usb_ports() if d.usb_id in board.usb.ids]

    found = _await(there, PORT_S)
    if not found:
        raise MissingToolError(
            f"the port of {board.title} did not come back within {PORT_S:.0f} s",
            "plug it in again, then tinykit verify",
        )
    return board_device(board, target.port, found).device


def _await(look: Callable[[], list[_T]], patience_s: float) -> list[_T]:
    deadline = time.monotonic() + patience_s
    while not (found := look()) and time.monotonic() < deadline:
        time.sleep(_POLL_S)
    return found


def _typed(words: list[str]) -> str:
    return " ".join(f'"{word}"' if " " in word else word for word in words)
