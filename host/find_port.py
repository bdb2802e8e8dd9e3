"""Which serial port is the board's: by the USB ids of boards and adapters, or by asking."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from serial.tools import list_ports

from tinykit.core.board import Board
from tinykit.core.errors import MissingToolError, TinykitError

# Adapters from USB to serial lines, by their makers' vendor ids: FTDI, Silicon Labs, WCH, Prolific.
ADAPTERS = ("0403", "10c4", "1a86", "067b")

Ask = Callable[[str], str]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class UsbPort:
    """Hold a serial port that came over USB.

    Attributes:
        device: its name, as /dev/ttyACM0 or COM3.
        usb_id: "vid:pid".
        title: what the device calls itself.
        serial: its serial number.
        node: the file of the whole USB device, which a debug probe is used by; Linux has it.
    """

    device: str
    usb_id: str
    title: str
    serial: str = ""
    node: str = ""

    def __str__(self) -> str:
        """Write it as people tell ports apart."""
        return f"{self.device} ({self.title})" if self.title else self.device


def usb_ports() -> list[UsbPort]:
    """Return the ports that are connected; one without USB ids is the machine's own, no board."""
    return sorted(
        (
            UsbPort(
                str(info.device),
                f"{info.vid:04x}:{info.pid:04x}",
                str(info.product or ""),
                str(info.serial_number or ""),
                _node(getattr(info, "usb_device_path", None)),
            )
            for info in list_ports.comports()
            if info.vid is not None
        ),
        key=lambda port: port.device,
    )


def own_ports(board: Board, ports: Sequence[UsbPort]) -> list[str]:
    """Return the names of the ports that are the board's own USB device."""
    return [port.device for port in ports if port.usb_id in board.usb.ids]


def find_port(
    board: Board, ports: Sequence[UsbPort], ask: Ask | None, tell: Tell = lambda _text: None
) -> str:
    """Return the port that a board must be at, or the only one there is.

    Args:
        board: what is looked for.
        ports: what is connected.
        ask: asks the user a question; None where nobody is there to answer.
        tell: is told why a port is taken that nothing says is the board's.

    Raises:
        MissingToolError: nothing is connected.
        TinykitError: several ports could be meant, and nobody says which.
    """
    if not ports:
        emulated = f", or use --emulator {board.emulators[0]}" if board.emulators else ""
        raise MissingToolError("no USB serial port is connected", f"plug the board in{emulated}")
    likely = [port for port in ports if _may_be(board, port)]
    if likely:
        return _choose(likely, ask)
    chosen = _choose(ports, ask)
    if len(ports) == 1:
        tell(
            f"taking {ports[0]}, USB id {ports[0].usb_id}: {_missed(board)}, and no other is there"
        )
    return chosen


def any_port() -> str:
    """Return the only port, or the one that the user says.

    Raises:
        MissingToolError: nothing is connected.
        TinykitError: several ports could be meant, and nobody says which.
    """
    ports = usb_ports()
    if not ports:
        raise MissingToolError("no USB serial port is connected", "plug the board in, or --port")
    return _choose(ports, asker())


def asker() -> Ask | None:
    """Return how to ask the user, if there is one at a terminal."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return None
    return _ask


def _node(sysfs: str | None) -> str:
    """Return the file of a USB device, from its folder in sysfs; empty where there is none."""
    try:
        bus, number = (int(Path(sysfs or "", name).read_text()) for name in ("busnum", "devnum"))
    except (OSError, ValueError):
        return ""
    return f"/dev/bus/usb/{bus:03}/{number:03}"


def _choose(likely: Sequence[UsbPort], ask: Ask | None) -> str:
    if len(likely) == 1:
        return likely[0].device
    names = ", ".join(map(str, likely))
    if ask is None:
        raise TinykitError(f"{len(likely)} serial ports are connected: {names}", "choose: --port")
    lines = [f"  {number}  {port}" for number, port in enumerate(likely, 1)]
    answer = ask("\n".join(["which port is the board at?", *lines, "number: "])).strip()
    if not answer.isascii() or not answer.isdecimal() or not 1 <= int(answer) <= len(likely):
        raise TinykitError(f"there is no port '{answer}'", f"1 to {len(likely)}, or --port")
    return likely[int(answer) - 1].device


def _ask(question: str) -> str:
    print(question, end="", file=sys.stderr, flush=True)
    return sys.stdin.readline()


def _missed(board: Board) -> str:
    """Say what no port is."""
    if board.link.usb and board.usb.ids:
        return f"no port has an id of {board.name} ({', '.join(board.usb.ids)})"
    return f"no port is an adapter such as {board.name} needs"


def _may_be(board: Board, port: UsbPort) -> bool:
    """Tell whether the board's link comes over such a device: its own USB, or an adapter."""
    if board.link.usb and board.usb.ids:
        return port.usb_id in board.usb.ids
    return port.usb_id.partition(":")[0] in ADAPTERS
