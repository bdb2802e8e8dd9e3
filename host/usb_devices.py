"""Which USB device is the board, by the ids in its file, and what Linux must allow."""

import os
from collections.abc import Iterable, Sequence

from tinykit.core.board import Board
from tinykit.core.errors import MissingToolError, TinykitError
from tinykit.host.find_port import UsbPort


def named(device: UsbPort) -> str:
    """Write a device as its port and its ids."""
    return f"{device.device} ({device.usb_id})"


def board_ids(board: Board) -> tuple[str, ...]:
    """Return all ids that the board shows itself as."""
    return board.usb.bootloader_ids + board.usb.ids


def board_device(board: Board, port: str | None, found: Sequence[UsbPort]) -> UsbPort:
    """Return the device that is the board: at `port`, or the only one with its ids.

    Raises:
        TinykitError: the device at `port` has other ids, or several could be meant.
        MissingToolError: nothing has the board's ids.
    """
    known = " or ".join(board_ids(board))
    if port is not None:
        at = [device for device in found if device.device == port]
        if not at:
            raise TinykitError(
                f"{port} is no USB serial port, {board.name} is {known}",
                "ports found: tinykit doctor",
            )
        if at[0].usb_id not in board_ids(board):
            raise TinykitError(
                f"{named(at[0])} is no {board.title}, which is {known}", "nothing was written to it"
            )
        return at[0]
    ours = [device for device in found if device.usb_id in board_ids(board)]
    if not ours:
        seen = ", ".join(map(named, found)) or "no USB serial port"
        assert board.flasher is not None
        raise MissingToolError(
            f"no {board.title} is connected: it is {known}, there is {seen}", board.flasher.first
        )
    if len(ours) > 1:
        raise TinykitError(
            f"{len(ours)} boards could be meant: {', '.join(map(named, ours))}", "choose: --port"
        )
    return ours[0]


def barred(device: UsbPort, boards: Iterable[Board] = ()) -> str | None:
    """Return the file of a device that this user may not open, though some of the boards need it.

    That is its port, and what a board's probe is used by. Only Linux and macOS know them as files.
    """
    probed = any(board.flasher is not None and board.flasher.probed for board in boards)
    files = [device.device, *([device.node] if probed and device.node else ())]
    denied = (path for path in files if not os.access(path, os.R_OK | os.W_OK))
    return next(denied, None) if os.name == "posix" else None


def udev_rules(usb_ids: Iterable[str]) -> str:
    """Return the lines that let the user at the screen use devices of these ids, on Linux."""
    rule = 'SUBSYSTEMS=="usb", ATTRS{{idVendor}}=="{}", ATTRS{{idProduct}}=="{}", TAG+="uaccess"'
    lines = [rule.format(*usb_id.split(":")) for usb_id in usb_ids]
    return "\n".join(
        [
            "write these lines into /etc/udev/rules.d/70-tinykit.rules,",
            *(f"    {line}" for line in lines),
            "  then: sudo udevadm control --reload, and plug it in again",
        ]
    )
