"""A link accepts only the right answer, and says plainly why there is none.

The peers behind the pseudo-terminal are threads that answer byte by byte as a test tells them.
"""

import contextlib
import os
import pty
import re
import select
import struct
import threading
import time
import tty
import zlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.host.frame import ErrorCode, Frame, FrameDecoder, FrameType, encode
from tinykit.host.link import BoardError, FaultError, Hello, Link, expect
from tinykit.host.pace import Patience

pytestmark = pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")

DIGEST, BUILD_ID = "0123456789abcdef", "fedcba9876543210"
HELLO = Hello(
    492, 3, 700, 600, 900, 64_000_000, 4000, 0x12345678, DIGEST, BUILD_ID, "nano33", "stream"
)

QUICK = Patience(0.1, 0.1, 0.5, 0.1, 0.5, 3, 0.0)

Answer = Callable[[Frame], list[bytes]]


def hello_payload(hello: Hello) -> bytes:
    return struct.pack(
        "<HHIIIIII16s16s24s8s",
        hello.max_payload,
        hello.layers,
        hello.input_bytes,
        hello.output_bytes,
        hello.arena_bytes,
        hello.clock_hz,
        hello.image_bytes,
        hello.image_crc32,
        hello.digest.encode(),
        hello.build_id.encode(),
        hello.board.encode(),
        hello.app.encode(),
    )


class Peer:
    """Be a board whose model adds one to every byte; `spoil` may change each answer."""

    def __init__(self, spoil: Callable[[Frame, Frame], list[bytes]] | None = None) -> None:
        self.requests: list[Frame] = []
        self.input = bytearray()
        self.sequence = -1
        self.spoil = spoil

    def __call__(self, request: Frame) -> list[bytes]:
        self.requests.append(request)
        answer = self.answer(request)
        return self.spoil(request, answer) if self.spoil else [encode(answer)]

    def answer(self, request: Frame) -> Frame:
        result = replace(request, type=request.type + 0x80, payload=b"")
        match request.type:
            case FrameType.HELLO:
                self.sequence = -1
                return replace(result, payload=hello_payload(HELLO))
            case FrameType.WRITE:
                return self.write(request, result)
            case FrameType.RUN:
                output = self.output()
                head = (zlib.crc32(self.input[::-1]), 1234, zlib.crc32(output[::-1]))
                most = struct.unpack("<H", request.payload)[0] if request.payload else 480
                return replace(result, payload=struct.pack("<III", *head) + output[:most])
            case FrameType.TRACE:
                payload = struct.pack("<II", zlib.crc32(self.input[::-1]), 99)
                return replace(result, payload=payload)
        (count,) = struct.unpack("<H", request.payload)
        source = self.output() if request.type == FrameType.READ else bytes(range(250)) * 4
        return replace(result, payload=source[request.offset : request.offset + count])

    def write(self, request: Frame, result: Frame) -> Frame:
        if request.sequence != self.sequence:
            self.sequence = request.sequence
            self.input.clear()
        self.input[request.offset : request.offset + len(request.payload)] = request.payload
        return replace(result, offset=len(self.input))

    def output(self) -> bytes:
        return bytes((byte + 1) % 256 for byte in self.input[:600])


@contextlib.contextmanager
def behind_port(answer: Answer | None, rubbish: bytes = b"") -> Iterator[str]:
    """Serve a pseudo-terminal: frames go to `answer`; without one, `rubbish` answers bytes."""
    master, slave = pty.openpty()
    tty.setraw(slave)
    ended = threading.Event()

    def serve() -> None:
        decoder = FrameDecoder()
        while not ended.is_set():
            if not select.select([master], [], [], 0.02)[0]:
                continue
            data = os.read(master, 4096)
            if answer is None:
                os.write(master, rubbish)
                continue
            for request in decoder.feed(data):
                for chunk in answer(request):
                    os.write(master, chunk)

    thread = threading.Thread(target=serve)
    thread.start()
    try:
        yield os.ttyname(slave)
    finally:
        ended.set()
        thread.join()
        os.close(master)
        os.close(slave)


INPUT = bytes(i % 251 for i in range(700))
OUTPUT = bytes((byte + 1) % 256 for byte in INPUT[:600])


def test_hello_and_inference() -> None:
    peer = Peer()
    with behind_port(peer) as port, Link(port) as link:
        hello = link.hello()
        result = link.infer(INPUT)
        again = link.infer(INPUT[::-1])

    assert hello == HELLO
    assert (result.output, result.time_us) == (OUTPUT, 1234)
    assert result.input_crc32 == zlib.crc32(INPUT[::-1])
    assert again.sequence == result.sequence + 1
    assert [r.type for r in peer.requests[1:5]] == [2, 2, 3, 4]  # write, write, run, read


@pytest.mark.parametrize("most", [0, 493, 65535])
def test_a_board_that_takes_nothing_or_too_much_is_refused(most: int) -> None:
    def spoil(request: Frame, answer: Frame) -> list[bytes]:
        return [encode(replace(answer, payload=hello_payload(replace(HELLO, max_payload=most))))]

    with (
        behind_port(Peer(spoil)) as port,
        Link(port) as link,
        pytest.raises(CheckFailedError, match=rf"takes {most} bytes a frame, expected 1 to 492"),
    ):
        link.infer(bytes(700))


def test_trace_and_peek() -> None:
    with behind_port(Peer()) as port, Link(port) as link:
        trace = link.trace(INPUT, 2)
        assert (trace.layer, trace.time_us) == (2, 99)
        assert link.peek(10, 700) == (bytes(range(250)) * 4)[10:710]


def test_an_input_of_the_wrong_size_is_the_users_mistake() -> None:
    with (
        behind_port(Peer()) as port,
        Link(port) as link,
        pytest.raises(TinykitError, match=r"the input has 3 bytes, the model on .* takes 700") as e,
    ):
        link.infer(b"abc")
    assert e.value.exit_status == 2


def lossy(every: int) -> Callable[[Frame, Frame], list[bytes]]:
    count = 0

    def spoil(_request: Frame, answer: Frame) -> list[bytes]:
        nonlocal count
        count += 1
        return [] if count % every == 0 else [encode(answer)]

    return spoil


def test_lost_answers_are_asked_for_again() -> None:
    peer = Peer(lossy(2))
    with behind_port(peer) as port, Link(port, patience=QUICK) as link:
        assert link.infer(INPUT).output == OUTPUT
    assert len(peer.requests) > 5


def test_stale_duplicate_and_damaged_answers_are_discarded() -> None:
    def spoil(request: Frame, answer: Frame) -> list[bytes]:
        stale = replace(answer, sequence=(answer.sequence - 1) & 0xFFFF, payload=b"stale")
        other = replace(answer, type=answer.type + 1)
        damaged = bytearray(encode(answer))
        damaged[3] ^= 0x40
        early = replace(answer, offset=0) if request.type == FrameType.WRITE else stale
        bad = [encode(stale), b"\x13boot banner\r\n\x00", encode(other), bytes(damaged)]
        return [*bad, encode(early) if early.offset != answer.offset else b"", encode(answer)] * 2

    with behind_port(Peer(spoil)) as port, Link(port) as link:
        for _ in range(5):
            assert link.infer(INPUT).output == OUTPUT


@pytest.mark.parametrize(("word", "what"), [(0, "input"), (2, "output")])
def test_a_result_with_another_checksum_is_not_accepted(word: int, what: str) -> None:
    def spoil(request: Frame, answer: Frame) -> list[bytes]:
        if request.type == FrameType.RUN:
            payload = bytearray(answer.payload)
            payload[4 * word] ^= 1
            answer = replace(answer, payload=bytes(payload))
        return [encode(answer)]

    with (
        behind_port(Peer(spoil)) as port,
        Link(port) as link,
        pytest.raises(CheckFailedError, match=f"the {what} of sequence 2 has CRC-32"),
    ):
        link.infer(INPUT)


def test_a_board_that_was_reset_gets_its_input_again() -> None:
    refused = False

    def spoil(request: Frame, answer: Frame) -> list[bytes]:
        nonlocal refused
        if request.type == FrameType.RUN and not refused:
            refused = True
            payload = struct.pack("<II", ErrorCode.INCOMPLETE, 0)
            answer = replace(answer, type=FrameType.ERROR, payload=payload)
        return [encode(answer)]

    peer = Peer(spoil)
    with behind_port(peer) as port, Link(port) as link:
        assert link.infer(INPUT).output == OUTPUT
    assert [r.type for r in peer.requests].count(FrameType.HELLO) == 2


def test_a_board_with_a_state_that_was_reset_gets_all_its_inputs_again() -> None:
    runs = 0

    def spoil(request: Frame, answer: Frame) -> list[bytes]:
        nonlocal runs
        runs += request.type == FrameType.RUN
        if request.type == FrameType.RUN and runs == 3:
            payload = struct.pack("<II", ErrorCode.INCOMPLETE, 0)
            answer = replace(answer, type=FrameType.ERROR, payload=payload)
        return [encode(answer)]

    peer = Peer(spoil)
    with behind_port(peer) as port, Link(port) as link:
        link.keep_history()
        for _ in range(3):
            assert link.infer(INPUT).output == OUTPUT
    assert [r.type for r in peer.requests].count(FrameType.HELLO) == 2
    assert runs == 3 + 3  # the third is refused, then all three follow


def error_answer(code: int, detail: int) -> Answer:
    payload = struct.pack("<II", code, detail)
    return lambda request: [encode(Frame(FrameType.ERROR, request.sequence, 0, payload))]


def test_a_refusal_is_named() -> None:
    with (
        behind_port(error_answer(ErrorCode.NOT_IN_THIS_BUILD, 5)) as port,
        Link(port) as link,
        pytest.raises(BoardError) as caught,
    ):
        link.hello()
    assert caught.value.message == f"{port} refused hello: not_in_this_build (detail 5)"
    assert caught.value.exit_status == 1


@pytest.mark.parametrize(
    "answer",
    [
        error_answer(ErrorCode.BAD_VERSION, 7),
        lambda r: [encode(Frame(0x81, r.sequence, payload=b"?", version=7))],
    ],
)
def test_another_version_of_the_protocol_is_named(answer: Answer) -> None:
    with (
        behind_port(answer) as port,
        Link(port) as link,
        pytest.raises(CheckFailedError, match="speaks version 7 of the link protocol, this is v"),
    ):
        link.hello()


def test_a_fault_shows_where() -> None:
    payload = struct.pack("<5I", 0x10234, 0x10211, 0x8200, 0x40000000, 0x60000000)
    with (
        behind_port(lambda r: [encode(Frame(FrameType.FAULT, r.sequence, 0, payload))]) as port,
        Link(port) as link,
        pytest.raises(FaultError) as caught,
    ):
        link.hello()
    assert caught.value.message == (
        f"the firmware on {port} faulted: pc 0x00010234, lr 0x00010211, "
        "cfsr 0x00008200, hfsr 0x40000000, address 0x60000000"
    )
    assert caught.value.hint == (
        "where: arm-none-eabi-addr2line -fe firmware.elf 0x00010234; "
        "it restarts itself; if it stays silent, reset it"
    )
    assert caught.value.exit_status == 1


def test_silence_is_reported_with_what_was_tried() -> None:
    started = time.monotonic()
    with (
        behind_port(lambda _request: []) as port,
        Link(port, patience=QUICK) as link,
        pytest.raises(MissingToolError) as caught,
    ):
        link.hello()
    assert re.fullmatch(
        rf"no answer from {port} after 0\.\d s \(sent hello 3 times, 115200 baud\)",
        caught.value.message,
    )
    assert caught.value.hint == "is it flashed? how to: README.md in the build folder"
    assert caught.value.exit_status == 3
    assert time.monotonic() - started < 2


def test_rubbish_is_reported_as_another_firmware() -> None:
    with (
        behind_port(None, b"AT ERROR\r\n") as port,
        Link(port, patience=QUICK) as link,
        pytest.raises(MissingToolError, match=r"sent 30 bytes in 0.\d s, no valid answer"),
    ):
        link.hello()


def test_a_port_that_does_not_exist() -> None:
    with pytest.raises(MissingToolError) as caught:
        Link("/dev/ttyNOWHERE")
    assert caught.value.message == "/dev/ttyNOWHERE does not exist"


def test_a_port_that_is_in_use() -> None:
    with behind_port(Peer()) as port, Link(port), pytest.raises(MissingToolError) as caught:
        Link(port)
    assert caught.value.message == f"{port} is in use by another program"


def test_a_file_is_no_port(tmp_path) -> None:  # type: ignore[no-untyped-def]
    file = tmp_path / "port"
    file.write_bytes(b"")
    with pytest.raises(MissingToolError, match="is no usable serial port"):
        Link(str(file))


def test_a_board_that_goes_away() -> None:
    master, slave = pty.openpty()
    with Link(os.ttyname(slave), patience=QUICK) as link:
        os.close(slave)
        os.close(master)
        with pytest.raises(MissingToolError, match=r"the connection to .* broke"):
            link.hello()


@pytest.mark.parametrize(
    ("other", "message"),
    [
        ({"board": "microbit"}, "the board is a microbit, the build is for nano33"),
        (
            {"digest": "f" * 16},
            f"the board runs another model: digest {'f' * 16}, the build's is {DIGEST}",
        ),
        (
            {"build_id": "0" * 16},
            f"the board runs another build of this model: {'0' * 16}, expected {BUILD_ID}",
        ),
        (
            {"image_crc32": 1},
            "the image on the board is damaged: CRC-32 0x00000001 over its 4 000 bytes, "
            "the build's is 0x12345678",
        ),
    ],
)
def test_another_image_is_refused(other: dict[str, str], message: str) -> None:
    expect(HELLO, DIGEST, BUILD_ID, 0x12345678, "nano33")
    with pytest.raises(CheckFailedError) as caught:
        expect(replace(HELLO, **other), DIGEST, BUILD_ID, 0x12345678, "nano33")  # type: ignore[arg-type]
    assert caught.value.message == message
    assert caught.value.exit_status == 1
