"""Talk to a board over a serial port or an emulator's pseudo-terminal: docs/protocol.md.

One request is sent, its answer awaited; without one it is sent again, up to ATTEMPTS times, which
the protocol allows since every request may be repeated. An answer counts only if its type, its
sequence number and, where bytes were sent or asked for, its offset are those of the request.
"""

import errno
import struct
import time
import zlib
from dataclasses import dataclass
from types import TracebackType
from typing import Self

import serial

from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.core.units import bytes_text
from tinykit.host.frame import (
    ANSWER,
    DELIMITER,
    MAX_PAYLOAD_BYTES,
    VERSION,
    ErrorCode,
    Frame,
    FrameDecoder,
    FrameType,
    encode,
)

ATTEMPTS = 3
RESTARTS = 2  # of an inference whose input the board has lost
POLL_S = 0.1
MAX_SEQUENCE = 0xFFFF
FLASH_HINT = "is it flashed? how to: README.md in the build folder"

_HELLO = struct.Struct("<HHIIIIII16s16s24s8s")
_RESULT = struct.Struct("<III")
_TRACED = struct.Struct("<II")
_COUNT = struct.Struct("<H")
_LAYER = struct.Struct("<H")
_REFUSAL = struct.Struct("<II")
_FAULT = struct.Struct("<5I")
# Why an engine ends the firmware, in the place of the address: docs/protocol.md, Errors.
_GAVE_UP = {
    1: "the model is of another version of the schema",
    2: "the resolver did not take an operator",
    3: "the tensors could not be allocated",
    4: "an operator failed",
    5: "the library aborted",
    6: "something was written outside of the arena",
}
_LOST_INPUT = (ErrorCode.GAP, ErrorCode.INCOMPLETE, ErrorCode.NOT_RUN, ErrorCode.ALREADY_RUN)


class BoardError(CheckFailedError):
    """Report that the board understood a request and could not serve it; status 1."""

    def __init__(self, message: str, hint: str, code: int) -> None:
        super().__init__(message, hint)
        self.code = code


class FaultError(CheckFailedError):
    """Report that the firmware ran into a fault and stopped; status 1."""


@dataclass(frozen=True, slots=True)
class Hello:
    """Hold how a board describes itself; `layers` and `arena_bytes` are 0 unless it can trace."""

    max_payload: int
    layers: int
    input_bytes: int
    output_bytes: int
    arena_bytes: int
    clock_hz: int
    image_bytes: int
    image_crc32: int
    digest: str
    build_id: str
    board: str
    app: str


@dataclass(frozen=True, slots=True)
class Result:
    """Hold one inference: `time_us` as measured on the board."""

    sequence: int
    output: bytes
    time_us: int
    input_crc32: int


@dataclass(frozen=True, slots=True)
class Trace:
    """Say that the model ran up to a layer; the arena is to be read by `Link.peek`."""

    sequence: int
    layer: int
    time_us: int
    input_crc32: int


class Link:
    """Hold an open link to one board: `with Link("/dev/ttyACM0") as link`.

    Args:
        port: a serial port or the path of a pseudo-terminal.
        baud: as in the board's file.
        timeout_s: how long to wait for an answer, each of ATTEMPTS times.
        run_timeout_s: the same where the board computes: run and trace.

    Raises:
        MissingToolError: no such port, or it cannot be opened.
    """

    def __init__(
        self, port: str, baud: int = 115200, timeout_s: float = 2.0, run_timeout_s: float = 60.0
    ) -> None:
        self.port = port
        self.baud = baud
        self._timeout_s = timeout_s
        self._run_timeout_s = run_timeout_s
        self._decoder = FrameDecoder()
        self._sequence = 0
        self._hello: Hello | None = None
        self._history: list[bytes] | None = None
        self._serial = _open(port, baud, timeout_s)

    def __enter__(self) -> Self:
        """Return the open link."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        _error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """Close the port."""
        self.close()

    def close(self) -> None:
        """Close the port; harmless when repeated."""
        self._serial.close()

    def hello(self) -> Hello:
        """Ask the board who it is; it forgets every input and result.

        Raises:
            MissingToolError: nothing answers, or what answers is no tinykit firmware.
            CheckFailedError: it speaks another version of the protocol, or has faulted.
        """
        request = Frame(FrameType.HELLO, self._next_sequence())
        payload = self._ask(request, self._timeout_s).payload
        if len(payload) != _HELLO.size:
            raise CheckFailedError(
                f"{self.port} describes itself in {len(payload)} bytes, expected {_HELLO.size}",
                FLASH_HINT,
            )
        *numbers, digest, build_id, board, app = _HELLO.unpack(payload)
        texts = [_text(field) for field in (digest, build_id, board, app)]
        self._hello = Hello(*numbers, *texts)
        if self._history is not None:
            self._history = []
        return self._hello

    def keep_history(self) -> None:
        """Repeat all earlier inputs where the board has lost them: its model has a state."""
        self._history = []

    def infer(self, input_bytes: bytes) -> Result:
        """Run the model on one input: all its input tensors, one after the other.

        Raises:
            TinykitError: the input has not the size that the model takes.
            MissingToolError: the board has stopped answering.
            CheckFailedError: the board refuses, has faulted, or a checksum is wrong.
        """
        for _ in range(RESTARTS):
            try:
                return self._remembered(input_bytes)
            except BoardError as error:
                if error.code not in _LOST_INPUT:
                    raise
                self._renew()
        return self._remembered(input_bytes)

    def _remembered(self, input_bytes: bytes) -> Result:
        result = self._infer(input_bytes)
        if self._history is not None:
            self._history.append(input_bytes)
        return result

    def trace(self, input_bytes: bytes, layer: int) -> Trace:
        """Run the model up to a layer, counted from 0, and leave the arena for `peek`.

        Raises:
            As `infer`; CheckFailedError also if the firmware is no trace build.
        """
        for _ in range(RESTARTS):
            try:
                return self._trace(input_bytes, layer)
            except BoardError as error:
                if error.code not in _LOST_INPUT:
                    raise
                self._renew()
        return self._trace(input_bytes, layer)

    def peek(self, offset: int, count: int) -> bytes:
        """Read the arena as the last `trace` left it."""
        return self._fetch(FrameType.PEEK, offset, count)

    def _infer(self, input_bytes: bytes) -> Result:
        hello = self._hello or self.hello()
        sequence = self._write_input(input_bytes, hello)
        answer = self._ask(Frame(FrameType.RUN, sequence), self._run_timeout_s)
        self._expect_length(answer, _RESULT.size + min(hello.output_bytes, 480))
        input_crc32, time_us, output_crc32 = _RESULT.unpack_from(answer.payload)
        output = answer.payload[_RESULT.size :]
        output += self._fetch(FrameType.READ, len(output), hello.output_bytes - len(output))
        self._expect_crc("input", input_crc32, input_bytes, sequence)
        self._expect_crc("output", output_crc32, output, sequence)
        return Result(sequence, output, time_us, input_crc32)

    def _trace(self, input_bytes: bytes, layer: int) -> Trace:
        hello = self._hello or self.hello()
        sequence = self._write_input(input_bytes, hello)
        request = Frame(FrameType.TRACE, sequence, 0, _LAYER.pack(layer))
        answer = self._ask(request, self._run_timeout_s)
        self._expect_length(answer, _TRACED.size)
        input_crc32, time_us = _TRACED.unpack(answer.payload)
        self._expect_crc("input", input_crc32, input_bytes, sequence)
        return Trace(sequence, layer, time_us, input_crc32)

    def _write_input(self, data: bytes, hello: Hello) -> int:
        if len(data) != hello.input_bytes:
            raise TinykitError(
                f"the input has {bytes_text(len(data))}, "
                f"the model on {self.port} takes {bytes_text(hello.input_bytes)}",
                "was the input made for this build?",
            )
        sequence = self._next_sequence()
        chunk_bytes = min(hello.max_payload, MAX_PAYLOAD_BYTES)
        for offset in range(0, len(data), chunk_bytes):
            chunk = data[offset : offset + chunk_bytes]
            self._ask(Frame(FrameType.WRITE, sequence, offset, chunk), self._timeout_s)
        return sequence

    def _fetch(self, kind: FrameType, offset: int, count: int) -> bytes:
        data = b""
        while len(data) < count:
            size = min(count - len(data), MAX_PAYLOAD_BYTES)
            request = Frame(kind, self._sequence, offset + len(data), _COUNT.pack(size))
            answer = self._ask(request, self._timeout_s)
            self._expect_length(answer, size)
            data += answer.payload
        return data

    def _renew(self) -> None:
        """Start a new session after the board has lost the input, as a reset does."""
        before, history = self._hello, self._history or []
        after = self.hello()
        if before is not None and before != after:
            raise CheckFailedError(
                f"{self.port} changed: it ran {before.digest} (build {before.build_id}), "
                f"now {after.digest} (build {after.build_id})",
                "was it flashed, or another board plugged in? start again",
            )
        for input_bytes in history:
            self._remembered(input_bytes)

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % MAX_SEQUENCE + 1
        return self._sequence

    def _ask(self, request: Frame, timeout_s: float) -> Frame:
        """Send a request until its answer comes."""
        self._decoder.reset()
        for _ in range(ATTEMPTS):
            self._write(DELIMITER + encode(request))
            answer = self._await(request, timeout_s)
            if answer is not None:
                return answer
        raise self._no_answer(request, timeout_s)

    def _await(self, request: Frame, timeout_s: float) -> Frame | None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            for frame in self._decoder.feed(self._read()):
                if self._answers(frame, request):
                    return frame
        return None

    def _answers(self, frame: Frame, request: Frame) -> bool:
        """Tell whether a frame answers a request; raise if it is the board's refusal or fault."""
        if frame.version != VERSION:
            raise self._other_version(frame.version)
        if frame.type == FrameType.FAULT:
            raise self._fault(frame)
        if frame.sequence != request.sequence:
            return False
        if frame.type == FrameType.ERROR:
            raise self._refusal(frame, request)
        if frame.type != request.type + ANSWER:
            return False
        if request.type == FrameType.WRITE:
            return frame.offset >= request.offset + len(request.payload)
        return frame.offset == request.offset

    def _read(self) -> bytes:
        try:
            first = self._serial.read(1)
            return bytes(first + self._serial.read(self._serial.in_waiting)) if first else b""
        except (serial.SerialException, OSError) as error:
            raise self._broken(error) from None

    def _write(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except (serial.SerialException, OSError) as error:
            raise self._broken(error) from None

    def _expect_length(self, answer: Frame, expected: int) -> None:
        if len(answer.payload) != expected:
            raise CheckFailedError(
                f"{self.port} answered {_name(answer.type - ANSWER)} "
                f"with {len(answer.payload)} bytes, expected {expected}",
                "the board breaks the protocol: docs/protocol.md",
            )

    def _expect_crc(self, what: str, reported: int, data: bytes, sequence: int) -> None:
        if reported != zlib.crc32(data):
            raise CheckFailedError(
                f"the {what} of sequence {sequence} has CRC-32 0x{zlib.crc32(data):08x} here, "
                f"0x{reported:08x} on {self.port}",
                "bytes were lost or changed on the way; the result was not accepted",
            )

    def _no_answer(self, request: Frame, timeout_s: float) -> TinykitError:
        heard_bytes = self._decoder.dropped_bytes + self._decoder.pending_bytes()
        waited = f"{ATTEMPTS * timeout_s:.1f} s"
        sent = f"(sent {_name(request.type)} {ATTEMPTS} times, {self.baud} baud)"
        if heard_bytes:
            return MissingToolError(
                f"{self.port} sent {bytes_text(heard_bytes)} in {waited}, no valid frame {sent}",
                "another baud rate, or another firmware? how to flash: README.md in the build "
                "folder",
            )
        return MissingToolError(f"no answer from {self.port} after {waited} {sent}", FLASH_HINT)

    def _refusal(self, frame: Frame, request: Frame) -> CheckFailedError:
        if len(frame.payload) != _REFUSAL.size:
            return CheckFailedError(
                f"{self.port} sent an error of {len(frame.payload)} bytes",
                "the board breaks the protocol: docs/protocol.md",
            )
        code, detail = _REFUSAL.unpack(frame.payload)
        if code == ErrorCode.BAD_VERSION:
            return self._other_version(detail)
        known = {item.value: item.name.lower() for item in ErrorCode}
        hint = "docs/protocol.md, Errors, says what it means"
        if code == ErrorCode.NOT_IN_THIS_BUILD:
            hint = "tracing needs a trace build on the board"
        return BoardError(
            f"{self.port} refused {_name(request.type)}: "
            f"{known.get(code, f'error {code}')} (detail {detail})",
            hint,
            code,
        )

    def _fault(self, frame: Frame) -> CheckFailedError:
        if len(frame.payload) != _FAULT.size:
            return FaultError(f"the firmware on {self.port} faulted", "reset the board")
        pc, lr, cfsr, hfsr, address = _FAULT.unpack(frame.payload)
        if lr == cfsr == hfsr == 0 and address in _GAVE_UP:
            return FaultError(
                f"TensorFlow Lite Micro on {self.port} gave up: {_GAVE_UP[address]}, pc 0x{pc:08x}",
                f"where: arm-none-eabi-addr2line -fe firmware.elf 0x{pc:08x}; or --engine native",
            )
        return FaultError(
            f"the firmware on {self.port} faulted: pc 0x{pc:08x}, lr 0x{lr:08x}, "
            f"cfsr 0x{cfsr:08x}, hfsr 0x{hfsr:08x}, address 0x{address:08x}",
            f"where: arm-none-eabi-addr2line -fe firmware.elf 0x{pc:08x}; then reset the board",
        )

    def _other_version(self, theirs: int) -> CheckFailedError:
        return CheckFailedError(
            f"{self.port} speaks version {theirs} of the link protocol, this is version {VERSION}",
            "build and flash the firmware with this tinykit: README.md in the build folder",
        )

    def _broken(self, error: Exception) -> MissingToolError:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        return MissingToolError(
            f"the connection to {self.port} broke: {reason}", "is it still plugged in?"
        )


def expect(hello: Hello, digest: str, build_id: str, image_crc32: int, board: str) -> None:
    """Check that a board runs exactly the build that is meant.

    Raises:
        CheckFailedError: another board, another model, another build of it, or a damaged image.
    """
    hint = "flash this build: README.md in the build folder"
    if hello.board != board:
        raise CheckFailedError(
            f"the board is a {hello.board}, the build is for {board}",
            f"tinykit build --board {hello.board}",
        )
    if hello.digest != digest:
        raise CheckFailedError(
            f"the board runs another model: digest {hello.digest}, the build's is {digest}", hint
        )
    if hello.build_id != build_id:
        raise CheckFailedError(
            f"the board runs another build of this model: {hello.build_id}, expected {build_id}",
            hint,
        )
    if hello.image_crc32 != image_crc32:
        raise CheckFailedError(
            f"the image on the board is damaged: CRC-32 0x{hello.image_crc32:08x} over its "
            f"{bytes_text(hello.image_bytes)}, the build's is 0x{image_crc32:08x}",
            "flashing was interrupted? flash it again: README.md in the build folder",
        )


def _open(port: str, baud: int, timeout_s: float) -> serial.Serial:
    try:
        opened = serial.Serial(port, baud, timeout=POLL_S, write_timeout=timeout_s, exclusive=True)
        opened.reset_input_buffer()
    except (serial.SerialException, OSError, ValueError) as error:
        raise _cannot_open(port, error) from None
    return opened


def _cannot_open(port: str, error: Exception) -> MissingToolError:
    match getattr(error, "errno", None):
        case errno.ENOENT:
            return MissingToolError(
                f"{port} does not exist",
                "is the board plugged in? ports found: python -m serial.tools.list_ports",
            )
        case errno.EACCES | errno.EPERM:
            return MissingToolError(
                f"no permission to open {port}",
                "sudo usermod -aG dialout $USER, then log in again",
            )
        case errno.EBUSY | errno.EAGAIN:
            return MissingToolError(
                f"{port} is in use by another program", "close its serial monitor"
            )
    reason = str(error).splitlines()[0] if str(error) else type(error).__name__
    return MissingToolError(
        f"{port} is no usable serial port: {reason}",
        "ports found: python -m serial.tools.list_ports",
    )


def _name(kind: int) -> str:
    return FrameType(kind).name.lower() if kind in list(FrameType) else f"type 0x{kind:02x}"


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii", errors="replace")
