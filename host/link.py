"""Talk to a board over a serial port or an emulator's pseudo-terminal: docs/protocol.md.

One request is sent, its answer awaited; without one it is sent again, which the protocol allows
since every request may be repeated. An answer counts only if its type, its sequence number and,
where bytes were sent or asked for, its offset are those of the request.
"""

import itertools
import struct
import time
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self, TypeVar

from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.core.units import bytes_text
from tinykit.host import link_errors
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
from tinykit.host.line import Line, PortGoneError
from tinykit.host.link_errors import FLASH_HINT, BoardError, FaultError
from tinykit.host.pace import BOARD_PATIENCE, MAX_ATTEMPTS, Pace, Patience

__all__ = [
    "BoardError",
    "FaultError",
    "Hello",
    "Link",
    "Result",
    "Status",
    "Trace",
    "Traffic",
    "expect",
]

RESTARTS = 3  # of an inference whose input the board has lost
MAX_SEQUENCE = 0xFFFF
HISTORY_BYTES = 64 << 20  # of inputs, for a model with a state

_HELLO = struct.Struct("<HHIIIIII16s16s24s8s")
_STATUS = struct.Struct("<IIII")
_RESET_REASONS = ("reset pin", "watchdog", "fault", "lockup")
_RESULT = struct.Struct("<III")
_TRACED = struct.Struct("<II")
_COUNT = struct.Struct("<H")
_LAYER = struct.Struct("<H")
_LOST_INPUT = (
    ErrorCode.GAP,
    ErrorCode.INCOMPLETE,
    ErrorCode.NOT_RUN,
    ErrorCode.ALREADY_RUN,
    ErrorCode.NO_SESSION,
)

_Answer = TypeVar("_Answer")


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
class Status:
    """Hold how a board is: `reset_reasons` are words, none after power-on."""

    reset_reasons: tuple[str, ...]
    uptime_us: int
    stack_bytes: int
    stack_used_bytes: int


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


@dataclass(slots=True)
class Traffic:
    """Count what a link has done.

    Attributes:
        requests: frames sent, each repetition too.
        repeats: of these, those whose answer had not come in time.
        restarts: how often the board had lost its session, as by a reset.
        replugs: how often the port went away and came back.
        sent_bytes, input_bytes: on the line to the board; of these, bytes of inputs.
        dropped_bytes: that came from the board and belonged to no valid frame.
    """

    requests: int = 0
    repeats: int = 0
    restarts: int = 0
    replugs: int = 0
    sent_bytes: int = 0
    input_bytes: int = 0
    dropped_bytes: int = 0


class History:
    """Keep the inputs of a session, for a model whose answers depend on them, up to a limit."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self.overflowed = False
        self._bytes = 0

    def append(self, row: bytes) -> None:
        """Keep one more; past the limit, none."""
        self._bytes += len(row)
        self.overflowed = self._bytes > HISTORY_BYTES
        if self.overflowed:
            self.rows.clear()
        else:
            self.rows.append(row)


class Link:
    """Hold an open link to one board: `with Link("/dev/ttyACM0") as link`.

    Args:
        port: a serial port or the path of a pseudo-terminal.
        baud: as in the board's file.
        patience: how long the board may take.

    Raises:
        MissingToolError: no such port, or it cannot be opened.
    """

    def __init__(self, port: str, baud: int = 115200, patience: Patience = BOARD_PATIENCE) -> None:
        self.traffic = Traffic()
        self._patience = patience
        self._pace = Pace(patience, baud)
        self._decoder = FrameDecoder()
        self._sequence = 0
        self._hello: Hello | None = None
        self._history: History | None = None
        self._previous: Frame | None = None
        self._echoed = False
        self._heard = 0.0
        self._session_lost = False
        self._line = Line(port, baud)

    @property
    def port(self) -> str:
        """Return where the board is; it may have moved when it was plugged in again."""
        return self._line.port

    @property
    def halvings(self) -> int:
        """Return how often repeated losses made frames smaller."""
        return self._pace.halvings

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
        self._line.close()

    def hello(self) -> Hello:
        """Ask the board who it is; it forgets every input and result.

        Raises:
            MissingToolError: nothing answers, or what answers is no tinykit firmware.
            CheckFailedError: it speaks another version of the protocol, or has faulted.
        """
        request = Frame(FrameType.HELLO, self._next_sequence())
        payload = self._ask(request).payload
        if len(payload) != _HELLO.size:
            raise CheckFailedError(
                f"{self.port} describes itself in {len(payload)} bytes, expected {_HELLO.size}",
                FLASH_HINT,
            )
        *numbers, digest, build_id, board, app = _HELLO.unpack(payload)
        texts = [_text(field) for field in (digest, build_id, board, app)]
        hello = Hello(*numbers, *texts)
        if not 1 <= hello.max_payload <= MAX_PAYLOAD_BYTES:
            raise CheckFailedError(
                f"{self.port} takes {hello.max_payload} bytes a frame, "
                f"expected 1 to {MAX_PAYLOAD_BYTES}",
                link_errors.PROTOCOL_HINT,
            )
        self._hello = hello
        if self._history is not None:
            self._history = History()
        return self._hello

    def status(self) -> Status:
        """Ask the board how it is; that needs no session and changes none.

        Raises:
            MissingToolError: nothing answers.
            CheckFailedError: its firmware is too old to tell.
        """
        payload = self._ask(Frame(FrameType.STATUS, self._next_sequence())).payload
        if len(payload) != _STATUS.size:
            raise CheckFailedError(f"{self.port} tells how it is in another way", FLASH_HINT)
        bits, *numbers = _STATUS.unpack(payload)
        words = tuple(word for i, word in enumerate(_RESET_REASONS) if bits >> i & 1)
        return Status(words, *numbers)

    def keep_history(self) -> None:
        """Repeat all earlier inputs where the board has lost them: its model has a state."""
        self._history = History()

    def infer(self, input_bytes: bytes) -> Result:
        """Run the model on one input: all its input tensors, one after the other.

        Raises:
            TinykitError: the input has not the size that the model takes.
            MissingToolError: the board has stopped answering, or is unplugged.
            CheckFailedError: the board refuses, has faulted, or a checksum is wrong.
        """
        return self._restarted(lambda: self._remembered(input_bytes))

    def trace(self, input_bytes: bytes, layer: int) -> Trace:
        """Run the model up to a layer, counted from 0, and leave the arena for `peek`.

        Raises:
            As `infer`; CheckFailedError also if the firmware is no trace build.
        """
        return self._restarted(lambda: self._trace(input_bytes, layer))

    def _restarted(self, inference: Callable[[], _Answer]) -> _Answer:
        """Begin an inference again, in a new session, if the board or its port was lost."""
        for restarts in itertools.count():
            try:
                return self._in_session(inference)
            except BoardError as error:
                if error.code not in _LOST_INPUT:
                    raise
                if restarts == RESTARTS:
                    raise link_errors.lost_again(self.port, restarts + 1, error) from None
            except PortGoneError:
                if self._hello is None or restarts == RESTARTS or not self._patience.replug_s:
                    raise
                self._line.reopen(self._patience.replug_s)
                self.traffic.replugs += 1
        raise AssertionError("counting has no end")

    def _in_session(self, inference: Callable[[], _Answer]) -> _Answer:
        """Infer; whatever goes wrong on the way, the next inference begins a new session."""
        if self._session_lost:
            self._renew()
        self._session_lost = True
        answer = inference()
        self._session_lost = False
        return answer

    def _remembered(self, input_bytes: bytes) -> Result:
        result = self._infer(input_bytes)
        if self._history is not None:
            self._history.append(input_bytes)
        return result

    def peek(self, offset: int, count: int) -> bytes:
        """Read the arena as the last `trace` left it."""
        return self._fetch(FrameType.PEEK, offset, count)

    def _infer(self, input_bytes: bytes) -> Result:
        hello = self._hello or self.hello()
        sequence = self._write_input(input_bytes, hello)
        answer = self._exchange(lambda most_bytes: _run(sequence, most_bytes))
        first = len(answer.payload) - _RESULT.size
        if not 0 <= first <= hello.output_bytes:
            raise link_errors.wrong_length(self.port, answer)
        input_crc32, time_us, output_crc32 = _RESULT.unpack_from(answer.payload)
        output = answer.payload[_RESULT.size :]
        output += self._fetch(FrameType.READ, first, hello.output_bytes - first)
        self._expect_crc("input", input_crc32, input_bytes, sequence)
        self._expect_crc("output", output_crc32, output, sequence)
        return Result(sequence, output, time_us, input_crc32)

    def _trace(self, input_bytes: bytes, layer: int) -> Trace:
        hello = self._hello or self.hello()
        sequence = self._write_input(input_bytes, hello)
        answer = self._ask(Frame(FrameType.TRACE, sequence, 0, _LAYER.pack(layer)))
        if len(answer.payload) != _TRACED.size:
            raise link_errors.wrong_length(self.port, answer)
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
        arrived = 0
        while arrived < len(data):

            def write(most_bytes: int, offset: int = arrived) -> Frame:
                chunk = data[offset : offset + min(most_bytes, hello.max_payload)]
                return Frame(FrameType.WRITE, sequence, offset, chunk)

            # more than this chunk, if a longer one had come whose answer was lost
            arrived = self._exchange(write).offset
        self.traffic.input_bytes += len(data)
        return sequence

    def _fetch(self, kind: FrameType, offset: int, count: int) -> bytes:
        data = b""
        while len(data) < count:

            def fetch(most_bytes: int, got: int = len(data)) -> Frame:
                size = min(count - got, most_bytes)
                return Frame(kind, self._sequence, offset + got, _COUNT.pack(size))

            data += self._exchange(fetch).payload
        return data

    def _renew(self) -> None:
        """Start a new session after the board has lost the input, as a reset does."""
        self.traffic.restarts += 1
        before, history = self._hello, self._history
        if history is not None and history.overflowed:
            raise CheckFailedError(
                f"{self.port} was reset, and its model depends on more than "
                f"{bytes_text(HISTORY_BYTES)} of inputs before",
                "start again; is the board's supply steady?",
            )
        after = self.hello()
        if before is not None and before != after:
            raise CheckFailedError(
                f"{self.port} changed: it ran {before.digest} (build {before.build_id}), "
                f"now {after.digest} (build {after.build_id})",
                "was it flashed, or another board plugged in? start again",
            )
        self._history = history
        for input_bytes in history.rows if history is not None else ():
            self._infer(input_bytes)

    def _next_sequence(self) -> int:
        self._sequence = self._sequence % MAX_SEQUENCE + 1
        return self._sequence

    def _ask(self, request: Frame) -> Frame:
        return self._exchange(lambda _most_bytes: request)

    def _exchange(self, make: Callable[[int], Frame]) -> Frame:
        """Send a request until its answer comes; it is made anew, of at most so many bytes."""
        self._decoder.reset()
        self._echoed = False
        started = self._heard = time.monotonic()
        for attempt in range(MAX_ATTEMPTS):
            request = make(self._pace.chunk_bytes)
            sent = time.monotonic()
            self._send(request)
            answer = self._await(request, sent + self._pace.wait_s(request.type, attempt))
            if answer is not None:
                self._pace.answered(request.type, time.monotonic() - sent, attempt)
                self._previous = request
                self._forget_dropped()
                return answer
            self._pace.lost()
            self.traffic.repeats += 1
            if self._pace.hopeless(request.type, attempt + 1, time.monotonic() - self._heard):
                break
        raise self._no_answer(request, attempt + 1, time.monotonic() - started)

    def _send(self, request: Frame) -> None:
        encoded = DELIMITER + encode(request)
        self.traffic.requests += 1
        self.traffic.sent_bytes += len(encoded)
        self._line.write(encoded)

    def _await(self, request: Frame, deadline: float) -> Frame | None:
        while (left_s := deadline - time.monotonic()) > 0:
            for frame in self._decoder.feed(self._line.read(left_s)):
                self._heard = time.monotonic()
                if self._answers(frame, request):
                    return frame
        return None

    def _answers(self, frame: Frame, request: Frame) -> bool:
        """Tell whether a frame answers a request; raise if it is the board's refusal or fault."""
        if frame.version != VERSION:
            raise link_errors.other_version(self.port, frame.version)
        if frame.type == FrameType.FAULT:
            raise link_errors.fault(self.port, frame.payload)
        if frame == request:
            self._echoed = True
            return False
        if frame.type == FrameType.ERROR:
            if (frame.sequence, frame.offset) != (request.sequence, request.offset):
                return False
            raise link_errors.refusal(self.port, frame.payload, request.type)
        if _matches(frame, request):
            return True
        if self._previous is not None and _matches(frame, self._previous):
            self._pace.asked_too_early(self._previous.type)
        return False

    def _forget_dropped(self) -> None:
        self.traffic.dropped_bytes += self._decoder.dropped_bytes

    def _expect_crc(self, what: str, reported: int, data: bytes, sequence: int) -> None:
        found = zlib.crc32(data[::-1])  # another check than that of the frames
        if reported != found:
            raise CheckFailedError(
                f"the {what} of sequence {sequence} has CRC-32 0x{found:08x} here, "
                f"0x{reported:08x} on {self.port}",
                "bytes were lost or changed on the way; the result was not accepted",
            )

    def _no_answer(self, request: Frame, attempts: int, waited_s: float) -> TinykitError:
        heard_bytes = self._decoder.dropped_bytes + self._decoder.pending_bytes()
        self._forget_dropped()
        sent = f"(sent {link_errors.name(request.type)} {attempts} times, {self._line.baud} baud)"
        return link_errors.no_answer(self.port, waited_s, sent, heard_bytes, self._echoed)


def _run(sequence: int, most_bytes: int) -> Frame:
    """Ask for a result, with so many bytes of it at once; with all that fit if they may be many."""
    limit = b"" if most_bytes == MAX_PAYLOAD_BYTES else _COUNT.pack(most_bytes)
    return Frame(FrameType.RUN, sequence, 0, limit)


def _matches(frame: Frame, request: Frame) -> bool:
    """Tell whether a frame is what a board answers to a request that it serves."""
    if (frame.type, frame.sequence) != (request.type + ANSWER, request.sequence):
        return False
    if request.type == FrameType.WRITE:
        return frame.offset >= request.offset + len(request.payload)
    if frame.offset != request.offset:
        return False
    if request.type in (FrameType.READ, FrameType.PEEK):
        (count,) = _COUNT.unpack(request.payload)
        return len(frame.payload) == int(count)
    return True


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


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode("ascii", errors="replace")
