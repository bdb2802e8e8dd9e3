"""The USB serial ports that are connected, by the ids of the devices behind them."""

from collections.abc import Sequence
from dataclasses import dataclass

from serial.tools import list_ports

from tinykit.core.board import Board
from tinykit.core.errors import MissingToolError, TinykitError


@dataclass(frozen=True, slots=True)
class Device:
    """Hold a USB device that shows a serial port; `usb_id` is "vid:pid"."""

    port: str
    usb_id: str
    serial: str

    def __str__(self) -> str:
        """Write it as people tell ports apart."""
        return f"{self.port} ({self.usb_id})"


def devices() -> list[Device]:
    """Return what is connected; a port without USB ids is the machine's own, and no board."""
    found = (
        Device(info.device, f"{info.vid:04x}:{info.pid:04x}", info.serial_number or "")
        for info in list_ports.comports()
        if info.vid is not None
    )
    return sorted(found, key=lambda device: device.port)


def board_ids(board: Board) -> tuple[str, ...]:
    """Return all ids that the board shows itself as."""
    return board.usb.bootloader_ids + board.usb.ids


def board_device(board: Board, port: str | None, found: Sequence[Device]) -> Device:
    """Return the device that is the board: at `port`, or the only one with its ids.

    Raises:
        TinykitError: the device at `port` has other ids, or several could be meant.
        MissingToolError: nothing has the board's ids.
    """
    known = " or ".join(board_ids(board))
    if port is not None:
        at = [device for device in found if device.port == port]
        if not at:
            raise TinykitError(
                f"{port} is no USB serial port, {board.name} is {known}",
                "ports found: tinykit doctor",
            )
        if at[0].usb_id not in board_ids(board):
            raise TinykitError(
                f"{at[0]} is no {board.title}, which is {known}", "nothing was written to it"
            )
        return at[0]
    ours = [device for device in found if device.usb_id in board_ids(board)]
    if not ours:
        seen = ", ".join(map(str, found)) or "no USB serial port"
        assert board.flasher is not None
        raise MissingToolError(
            f"no {board.title} is connected: it is {known}, there is {seen}", board.flasher.first
        )
    if len(ours) > 1:
        raise TinykitError(
            f"{len(ours)} boards could be meant: {', '.join(map(str, ours))}", "choose: --port"
        )
    return ours[0]


def udev_rules(board: Board) -> str:
    """Return the lines that let the user at the screen use the board, on Linux."""
    rule = 'SUBSYSTEMS=="usb", ATTRS{{idVendor}}=="{}", ATTRS{{idProduct}}=="{}", TAG+="uaccess"'
    lines = [rule.format(*usb_id.split(":")) for usb_id in board_ids(board)]
    return "\n".join(
        [
            "write these lines into /etc/udev/rules.d/70-tinykit.rules,",
            *(f"    {line}" for line in lines),
            "  then: sudo udevadm control --reload, and plug the board in again",
        ]
    )
