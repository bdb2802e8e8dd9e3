"""The other end of an emulated USB cable: enumerates as Linux does, then is a serial port.

USB 2.0, chapter 9, and CDC's PSTN subclass 1.2. What Linux asks, in this order, is read from its
drivers/usb/core/hub.c, config.c, message.c and drivers/usb/class/cdc-acm.c.
"""

from collections import deque
from collections.abc import Callable, Generator
from dataclasses import dataclass

from tinykit.host.nrf52840_usbd import PACKET_BYTES, Usbd
from tinykit.host.registers import RefusedError
from tinykit.host.schedule import Schedule

MS = 64_000  # cycles at 64 MHz
DEBOUNCE, RESET, RECOVERY = 100 * MS, 50 * MS, 10 * MS
TURNAROUND = 640  # from a change of the device to the host's next packet: 10 us
PATIENCE = 5_000 * MS  # USB_CTRL_GET_TIMEOUT
DEVICE, CONFIGURATION, STRING, QUALIFIER = 1, 2, 3, 6
BULK_IN, BULK_OUT = 0x82, 0x02

Step = Generator[int | None, None, bytes]


class StalledError(Exception):
    """Say that the device has refused a request, as it may."""


@dataclass(frozen=True, slots=True)
class Request:
    """Hold the SETUP packet of a control transfer (USB 2.0, 9.3)."""

    type: int
    request: int
    value: int = 0
    index: int = 0
    length: int = 0

    def packet(self) -> bytes:
        """Return its eight bytes."""
        words = (self.value, self.index, self.length)
        return bytes(
            [self.type, self.request, *(b for w in words for b in w.to_bytes(2, "little"))]
        )


def descriptor(kind: int, index: int, length: int, language: int = 0) -> Request:
    """Return GET_DESCRIPTOR."""
    return Request(0x80, 6, kind << 8 | index, language, length)


SET_ADDRESS = Request(0x00, 5, 1)
SET_CONFIGURATION = Request(0x00, 9, 1)
SET_LINE_CODING = Request(0x21, 0x20, 0, 0, 7)
OPEN, CLOSE = Request(0x21, 0x22, 3), Request(0x21, 0x22, 0)


def line_coding(baud: int) -> bytes:
    """Return the data of SET_LINE_CODING: 8N1."""
    return baud.to_bytes(4, "little") + bytes([0, 0, 8])


class UsbHost:
    """Drive a device from its pull-up on; one step after each change of the device's state.

    Args:
        schedule: of the chip: the host's time is the board's.
        device: the other end.
        send: takes what the device sends through its serial port.
        ids: vendor and product that the device has to name.
    """

    def __init__(
        self,
        schedule: Schedule,
        device: Usbd,
        send: Callable[[bytes], None],
        ids: tuple[int, int],
    ) -> None:
        self.open = False
        self.descriptors: dict[tuple[int, int], bytes] = {}
        self._schedule = schedule
        self._device = device
        self._send = send
        self._ids = ids
        self._line: deque[bytes] = deque()
        self._script: Step | None = None
        self._paused = False
        self._due = False
        self._connected = False
        self._changes = 0
        device.notify = self.wake

    def write(self, data: bytes) -> None:
        """Send bytes to the device's serial port, as soon as it takes them."""
        for start in range(0, len(data), PACKET_BYTES):
            self._line.append(data[start : start + PACKET_BYTES])
        self.wake()

    def run(self, script: Step) -> None:
        """Run a script of control transfers, as `enumerate_device` is one."""
        self._script = script
        self._paused = False
        self.wake()

    @property
    def idle(self) -> bool:
        """Tell whether no script runs."""
        return self._script is None

    def wake(self) -> None:
        """Look at the device soon."""
        self._changes += 1
        if not self._due:
            self._due = True
            self._schedule.after(TURNAROUND, self._look)

    def enumerate_device(self) -> Step:
        """Do what Linux does with a device that has just appeared, and open its serial port."""
        device = self._device
        yield DEBOUNCE
        device.bus_reset()
        yield RESET
        first = yield from self.control(descriptor(DEVICE, 0, 64))
        device.bus_reset()
        yield RESET
        yield from self.control(SET_ADDRESS)
        yield RECOVERY
        self._keep(DEVICE, 0, (yield from self.control(descriptor(DEVICE, 0, 18))))
        self._check_device(first)
        yield from self.refused(descriptor(QUALIFIER, 0, 10))
        head = yield from self.control(descriptor(CONFIGURATION, 0, 9))
        total = int.from_bytes(head[2:4], "little")
        whole = yield from self.control(descriptor(CONFIGURATION, 0, total))
        self._keep(CONFIGURATION, 0, whole)
        check_configuration(whole, total)
        yield from self._read_strings()
        yield from self.control(SET_CONFIGURATION)
        yield from self.control(CLOSE)
        yield from self.control(SET_LINE_CODING, line_coding(9_600))
        yield from self.open_port(115_200)
        return b""

    def open_port(self, baud: int) -> Step:
        """Open the serial port as a program does."""
        yield from self.control(OPEN)
        yield from self.control(SET_LINE_CODING, line_coding(baud))
        self.open = True
        return b""

    def close_port(self) -> Step:
        """Close it: nothing is fetched from the device any more."""
        self.open = False
        yield from self.control(CLOSE)
        return b""

    def control(self, request: Request, data: bytes = b"") -> Step:
        """Run one control transfer, and return what the device has sent.

        Raises:
            StalledError: the device refuses it.
            RefusedError: the device does not answer, or sends more than it was asked for.
        """
        deadline = self._schedule.now() + PATIENCE
        alarm = self._schedule.at(deadline, self.wake)
        self._device.setup(request.packet())
        try:
            return (yield from self._stages(request, data, deadline))
        finally:
            self._schedule.cancel(alarm)

    def _stages(self, request: Request, data: bytes, deadline: int) -> Step:
        received = b""
        if request.type & 0x80 and request.length:
            received = yield from self._fetch(request, deadline)
        for start in range(0, len(data), PACKET_BYTES):
            while not self._device.give(0, data[start : start + PACKET_BYTES]):
                yield from self._wait(request, deadline)
        while not self._device.status():
            yield from self._wait(request, deadline)
        return received

    def refused(self, request: Request, data: bytes = b"") -> Step:
        """Run one control transfer that the device has to refuse."""
        try:
            answer = yield from self.control(request, data)
        except StalledError:
            return b""
        raise RefusedError(f"the USB device answers {request} with {answer.hex()}, not STALL")

    def _fetch(self, request: Request, deadline: int) -> Step:
        received = b""
        while True:
            packet = self._device.take(0)
            if packet is None:
                yield from self._wait(request, deadline)
                continue
            received += packet
            if len(received) > request.length:
                raise RefusedError(f"the USB device sends {len(received)} bytes for {request}")
            if len(packet) < PACKET_BYTES or len(received) == request.length:
                return received

    def _wait(self, request: Request, deadline: int) -> Generator[int | None, None, None]:
        if self._device.stalled(0):
            raise StalledError(str(request))
        if self._schedule.now() >= deadline:
            raise RefusedError(f"the USB device does not answer {request}")
        yield None

    def _keep(self, kind: int, index: int, data: bytes) -> None:
        self.descriptors[kind, index] = data

    def _check_device(self, first: bytes) -> None:
        device = self.descriptors[DEVICE, 0]
        if first != device or len(device) != 18 or device[7] != PACKET_BYTES:
            raise RefusedError(f"the USB device descriptor is {first.hex()}, then {device.hex()}")
        named = (int.from_bytes(device[8:10], "little"), int.from_bytes(device[10:12], "little"))
        if named != self._ids:
            names = ["{:04x}:{:04x}".format(*pair) for pair in (named, self._ids)]
            raise RefusedError(f"the USB device is {names[0]}, the board's file says {names[1]}")

    def _read_strings(self) -> Step:
        languages = yield from self.control(descriptor(STRING, 0, 255))
        language = int.from_bytes(languages[2:4], "little")
        for place in (15, 14, 16):  # product, maker, serial number
            index = self.descriptors[DEVICE, 0][place]
            text = yield from self.control(descriptor(STRING, index, 255, language))
            if len(text) < 4 or text[0] != len(text) or text[1] != STRING:
                raise RefusedError(f"the USB string {index} is {text.hex()}")
            self._keep(STRING, index, text)
        return b""

    def _look(self) -> None:
        """Go on where the last look ended, until nothing changes any more."""
        self._due = False
        self._follow_pull_up()
        changes = -1
        while changes != self._changes:
            changes = self._changes
            self._go_on()
            self._move_data()

    def _follow_pull_up(self) -> None:
        if self._device.pulled_up == self._connected:
            return
        self._connected = self._device.pulled_up
        self.open = False
        self._line.clear()
        self._script = None
        if self._connected:
            self.run(self.enumerate_device())

    def _go_on(self) -> None:
        if self._script is None or self._paused:
            return
        try:
            pause = next(self._script)
        except StopIteration:
            self._script = None
            return
        if pause is not None:
            self._paused = True
            self._schedule.after(pause, self._unpause)

    def _unpause(self) -> None:
        self._paused = False
        self.wake()

    def _move_data(self) -> None:
        if not self.open:
            return
        packet = self._device.take(BULK_IN & 7)
        if packet:
            self._send(packet)
        if self._line and self._device.give(BULK_OUT & 7, self._line[0]):
            self._line.popleft()
            self._changes += 1


def check_configuration(whole: bytes, total: int) -> None:
    """Walk through a configuration's descriptors: lengths, interfaces, endpoints (USB 2.0, 9.6).

    Raises:
        RefusedError: they do not fit together.
    """
    at = 0
    interfaces: set[int] = set()
    endpoints: set[int] = set()
    wanted = 0
    while at < len(whole):
        length, kind = whole[at], whole[at + 1]
        if length < 2 or at + length > len(whole):
            raise RefusedError(f"USB descriptor {kind} at {at} has {length} bytes")
        if kind == 4:
            interfaces.add(whole[at + 2])
            wanted += whole[at + 4]
        elif kind == 5:
            endpoints.add(whole[at + 2])
        at += length
    if len(whole) != total or len(interfaces) != whole[4] or len(endpoints) != wanted:
        raise RefusedError(
            f"the USB configuration has {len(whole)} of {total} bytes, {len(interfaces)} of "
            f"{whole[4]} interfaces, {len(endpoints)} of {wanted} endpoints"
        )
