"""A serial port as the link uses it: bytes in, bytes out, and back again after it was unplugged."""

import contextlib
import errno
import os
import select
import time
from pathlib import Path

import serial
from serial.tools import list_ports

from tinykit.core.errors import MissingToolError
from tinykit.host.find_port import usb_ports
from tinykit.host.usb_devices import udev_rules

READ_BYTES = 4096
REOPEN_EVERY_S = 0.1
WRITE_TIMEOUT_S = 10.0
PORTS_HINT = "ports found: python -m serial.tools.list_ports"


class PortGoneError(MissingToolError):
    """Report that an open port broke, as by pulling out the plug; status 3."""


class Line:
    """Hold an open port, which nobody else can open meanwhile.

    Raises:
        MissingToolError: no such port, or it cannot be opened.
    """

    def __init__(self, port: str, baud: int) -> None:
        if not port:
            raise MissingToolError("the name of the port is empty", PORTS_HINT)
        self.port = port
        self.baud = baud
        self._identity = _identity(port)
        self._serial = _open(port, baud)

    def close(self) -> None:
        """Close the port; harmless when repeated, or after it broke."""
        with contextlib.suppress(OSError, serial.SerialException):
            self._serial.close()

    def read(self, timeout_s: float) -> bytes:
        """Return what has come, waiting for the first byte of it; empty when none came."""
        try:
            return _read(self._serial, max(0.0, timeout_s))
        except (serial.SerialException, OSError, ValueError, TypeError) as error:
            raise self._broken(error) from None

    def write(self, data: bytes) -> None:
        """Send bytes."""
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError, ValueError, TypeError) as error:
            raise self._broken(error) from None

    def reopen(self, within_s: float) -> None:
        """Wait for the port to come back, under another name too if its USB serial number says so.

        Raises:
            MissingToolError: it has not come back.
        """
        self.close()
        deadline = time.monotonic() + within_s
        while True:
            self.port = _place_of(self._identity, self.port)
            try:
                self._serial = _open(self.port, self.baud)
                return
            except MissingToolError as error:
                if time.monotonic() >= deadline:
                    raise MissingToolError(
                        f"{self.port} went away and did not come back within {within_s:g} s",
                        f"plug it in and start again ({error.message})",
                    ) from None
            time.sleep(REOPEN_EVERY_S)

    def _broken(self, error: Exception) -> PortGoneError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return PortGoneError(
            f"the connection to {self.port} broke: {reason}", "is it still plugged in?"
        )


def holders(port: str) -> list[str]:
    """Name the other programs that have a port open; only Linux tells."""
    path = os.path.realpath(port)
    found = set()
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if int(process.name) == os.getpid():
                continue
            if any(str(entry.readlink()) == path for entry in (process / "fd").iterdir()):
                found.add(f"{(process / 'comm').read_text().strip()} (process {process.name})")
    return sorted(found)


if os.name == "posix":

    def _read(port: serial.Serial, timeout_s: float) -> bytes:
        """Read without the three system calls more that pyserial would take."""
        descriptor = port.fileno()
        if not select.select([descriptor], [], [], timeout_s)[0]:
            return b""
        data = os.read(descriptor, READ_BYTES)
        if not data:
            raise OSError(errno.EIO, "it is ready to read and has nothing")
        return data

else:

    def _read(port: serial.Serial, timeout_s: float) -> bytes:
        port.timeout = timeout_s
        return bytes(port.read(1) + port.read(port.in_waiting))


def _identity(port: str) -> tuple[int | None, int | None, str] | None:
    """Return what tells a USB device from all others; None for one that has no serial number."""
    for info in list_ports.comports():
        if info.device == port and info.serial_number:
            return info.vid, info.pid, info.serial_number
    return None


def _place_of(identity: tuple[int | None, int | None, str] | None, port: str) -> str:
    """Return where a device is now; its old port where nobody knows better."""
    for info in list_ports.comports() if identity else ():
        if (info.vid, info.pid, info.serial_number) == identity:
            return str(info.device)
    return port


def _open(port: str, baud: int) -> serial.Serial:
    try:
        opened = serial.Serial(port, baud, write_timeout=WRITE_TIMEOUT_S, exclusive=True)
        opened.reset_input_buffer()
    except (serial.SerialException, OSError, ValueError) as error:
        raise _cannot_open(port, error) from None
    return opened


def _how_to_be_allowed(port: str) -> str:
    ids = [each.usb_id for each in usb_ports() if each.device == port]
    return udev_rules(ids) if ids else "sudo usermod -aG dialout $USER, then log in again"


def _cannot_open(port: str, error: Exception) -> MissingToolError:
    match getattr(error, "errno", None):
        case errno.ENOENT:
            return MissingToolError(
                f"{port} does not exist", f"is the board plugged in? {PORTS_HINT}"
            )
        case errno.EACCES | errno.EPERM:
            return MissingToolError(f"no permission to open {port}", _how_to_be_allowed(port))
        case errno.EBUSY | errno.EAGAIN:
            names = ", ".join(holders(port)) or "its serial monitor"
            return MissingToolError(f"{port} is in use by another program", f"close {names}")
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return MissingToolError(f"{port} is no usable serial port: {reason}", PORTS_HINT)
