"""The C link and streaming application, compiled for the host, against docs/protocol.md."""

import contextlib
import shutil
import struct
import subprocess
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from cobs import cobs
from hypothesis import given, settings
from hypothesis import strategies as st

from tinykit.codegen.board_files import board_files, build_header
from tinykit.core.board import find_board
from tinykit.core.files import PACKAGE_ROOT

HELLO, WRITE, RUN, READ, TRACE, PEEK, STATUS = range(1, 8)
REFUSAL, FAULT = 0xFE, 0xFF
BAD_VERSION, BAD_TYPE, BAD_LENGTH, GAP, TOO_LONG, INCOMPLETE, ALREADY_RUN, NOT_RUN = range(1, 9)
OUT_OF_RANGE, NOT_IN_THIS_BUILD, NO_SESSION = 9, 10, 11
NO_SEQUENCE = 0xFFFFFFFF

INPUT_BYTES = 600  # tests/c/stub_model.c
LAYERS = 3
IMAGE = b"the image that the board reads from its own flash\0"  # tests/c/host_chip.c
TIME_US = 1000
WATCHDOG, STACK = 2, (1024, 300)
FLAGS = (
    "-std=c11 -ffreestanding -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes"
    " -Wmissing-prototypes -Wundef -Werror -O1 -g -fsanitize=address,undefined"
    " -fno-sanitize-recover=all"
).split()
SENTINEL_TYPE = 0x7F  # no such request: answered, and nothing changes

FIXED = settings(derandomize=True, deadline=None, database=None, max_examples=300)


@dataclass(frozen=True, slots=True)
class Frame:
    type: int
    sequence: int = 0
    offset: int = 0
    payload: bytes = b""
    version: int = 1

    def plain(self) -> bytes:
        length = len(self.payload)
        head = struct.pack("<BBHIH", self.version, self.type, self.sequence, self.offset, length)
        return head + self.payload

    def wire(self) -> bytes:
        return seal(self.plain())


def seal(plain: bytes) -> bytes:
    return bytes(cobs.encode(plain + struct.pack("<I", zlib.crc32(plain)))) + b"\0"


def unseal(wire: bytes) -> Frame:
    assert len(wire) <= 511, "at most 512 bytes with the delimiter"
    plain = cobs.decode(wire)
    assert zlib.crc32(plain[:-4]) == struct.unpack("<I", plain[-4:])[0]
    version, kind, sequence, offset, length = struct.unpack("<BBHIH", plain[:10])
    assert length == len(plain) - 14
    return Frame(kind, sequence, offset, plain[10:-4], version)


def swapped(data: bytes) -> bytes:
    """Return the tensors as they lie in the stub's arena: the first behind the second."""
    return data[INPUT_BYTES // 2 :] + data[: INPUT_BYTES // 2]


def refusal(request: Frame, code: int, detail: int) -> Frame:
    payload = struct.pack("<II", code, detail)
    return Frame(REFUSAL, request.sequence, request.offset, payload)


def count_bytes(count: int) -> bytes:
    return struct.pack("<H", count)


class HostBoard:
    """The firmware as a process of the host."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        self.sent = 0

    def answers(self, wire: bytes) -> list[Frame]:
        """Send bytes and return every answer to them, which a sentinel behind them tells."""
        assert self.process.stdin and self.process.stdout
        self.sent += 1
        sentinel = Frame(SENTINEL_TYPE, 0xABCD, self.sent)
        self.process.stdin.write(wire + b"\0" + sentinel.wire())
        self.process.stdin.flush()
        found: list[Frame] = []
        while True:
            answer = self.receive()
            if answer == refusal(sentinel, BAD_TYPE, SENTINEL_TYPE):
                return found
            found.append(answer)

    def receive(self) -> Frame:
        assert self.process.stdout and self.process.stderr
        wire = b""
        while not wire.endswith(b"\0"):
            byte = self.process.stdout.read(1)
            if not byte:
                raise AssertionError(self.process.stderr.read().decode())
            wire += byte
        return unseal(wire[:-1])

    def ask(self, request: Frame) -> Frame:
        (answer,) = self.answers(request.wire())
        return answer

    def end(self) -> Frame:
        """Close the wire; the host's chip then reports a fault."""
        assert self.process.stdin
        self.process.stdin.close()
        fault = self.receive()
        assert self.process.wait(10) == 0
        return fault

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            with contextlib.suppress(OSError):
                stream.close()


@dataclass(slots=True)
class Reference:
    """What docs/protocol.md says that a board answers, written from the document alone."""

    layers: int
    current: int | None = None
    arrived: bytearray = field(default_factory=bytearray)
    spent_by: tuple[int, int] | None = None  # the type of the request and the layer
    input_crc: int = 0
    output: bytes = bytes(INPUT_BYTES)

    def answer(self, request: Frame) -> Frame:
        result = self.serve(request)
        if isinstance(result, tuple):
            return refusal(request, *result)
        return result

    def serve(self, request: Frame) -> Frame | tuple[int, int]:
        length = len(request.payload)
        wanted = {WRITE: length, READ: 2, TRACE: 2, PEEK: 2}.get(request.type, 0)
        if request.type == RUN and length == 2:
            wanted = 2
        if request.version != 1:
            return BAD_VERSION, 1
        if not HELLO <= request.type <= STATUS:
            return BAD_TYPE, request.type
        if length != wanted:
            return BAD_LENGTH, length
        if request.type in (TRACE, PEEK) and not self.layers:
            return NOT_IN_THIS_BUILD, request.type
        name = {WRITE: "write", RUN: "run", READ: "read", TRACE: "trace", PEEK: "peek"}
        name[STATUS] = "status"
        served: Frame | tuple[int, int] = getattr(self, name[request.type])(request)
        return served

    def status(self, request: Frame) -> Frame:
        """Tell what the host's chip makes up; the time is not compared."""
        payload = struct.pack("<4I", WATCHDOG, 0, *STACK)
        return Frame(STATUS + 0x80, request.sequence, request.offset, payload)

    def count(self, request: Frame) -> int:
        return int(struct.unpack("<H", request.payload)[0])

    def has(self, request: Frame) -> int:
        return len(self.arrived) if request.sequence == self.current else 0

    def write(self, request: Frame) -> Frame | tuple[int, int]:
        has, end = self.has(request), request.offset + len(request.payload)
        if request.sequence == self.current and self.spent_by:
            return ALREADY_RUN, request.sequence
        if end > INPUT_BYTES:
            return TOO_LONG, INPUT_BYTES
        if request.offset != has and end > has:
            return GAP, has
        if request.sequence != self.current:
            self.current, self.arrived, self.spent_by = request.sequence, bytearray(), None
        self.arrived[request.offset : end] = request.payload
        return Frame(WRITE + 0x80, request.sequence, len(self.arrived))

    def spend(self, request: Frame, layer: int) -> tuple[int, int] | None:
        if request.sequence == self.current and self.spent_by:
            repeated = self.spent_by == (request.type, layer)
            return None if repeated else (ALREADY_RUN, request.sequence)
        if self.has(request) != INPUT_BYTES:
            return INCOMPLETE, self.has(request)
        self.spent_by = (request.type, layer)
        self.input_crc = zlib.crc32(self.arrived[::-1])
        self.output = bytes((~byte + layer) & 0xFF for byte in self.arrived)
        return None

    def run(self, request: Frame) -> Frame | tuple[int, int]:
        refused = self.spend(request, LAYERS - 1)
        if refused:
            return refused
        head = struct.pack("<III", self.input_crc, TIME_US, zlib.crc32(self.output[::-1]))
        most = min(480, self.count(request)) if request.payload else 480
        return Frame(RUN + 0x80, request.sequence, request.offset, head + self.output[:most])

    def trace(self, request: Frame) -> Frame | tuple[int, int]:
        if self.count(request) >= self.layers:
            return OUT_OF_RANGE, self.layers
        refused = self.spend(request, self.count(request))
        if refused:
            return refused
        head = struct.pack("<II", self.input_crc, TIME_US)
        return Frame(TRACE + 0x80, request.sequence, request.offset, head)

    def slice(self, request: Frame, source: bytes) -> Frame | tuple[int, int]:
        count, end = self.count(request), request.offset + self.count(request)
        if count > 492:
            return BAD_LENGTH, count
        if end > INPUT_BYTES:
            return OUT_OF_RANGE, INPUT_BYTES
        data = source[request.offset : end]
        return Frame(request.type + 0x80, request.sequence, request.offset, data)

    def read(self, request: Frame) -> Frame | tuple[int, int]:
        if request.sequence != self.current or not self.spent_by or self.spent_by[0] != RUN:
            return NOT_RUN, NO_SEQUENCE if self.current is None else self.current
        return self.slice(request, self.output)

    def peek(self, request: Frame) -> Frame | tuple[int, int]:
        if request.sequence != self.current or not self.spent_by:
            return NOT_RUN, NO_SEQUENCE if self.current is None else self.current
        return self.slice(request, swapped(self.output))


@pytest.fixture(scope="module", params=["gcc", "clang"])
def programs(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> dict[int, Path]:
    """The firmware with and without TK_TRACE, by its value."""
    compiler = shutil.which(request.param)
    if compiler is None:
        pytest.skip(f"no {request.param} here")
    folder = tmp_path_factory.mktemp(request.param)
    (folder / "board.h").write_text(board_files(find_board("nano33"), "0")["board.h"])
    (folder / "build.h").write_text(build_header("fedcba9876543210", "stream", "0"))
    return {trace: compile_for_host(compiler, folder, trace) for trace in (0, 1)}


def compile_for_host(compiler: str, folder: Path, trace: int) -> Path:
    firmware = PACKAGE_ROOT / "firmware"
    own = Path(__file__).parent / "c"
    sources = [firmware / "link" / f"{name}.c" for name in ("crc32", "frame", "link")]
    sources += [firmware / "apps" / "stream.c", own / "host_chip.c", own / "stub_model.c"]
    program = folder / f"stream-{trace}"
    includes = [f"-I{folder}", f"-I{firmware / 'apps'}", f"-DTK_TRACE={trace}"]
    subprocess.run([compiler, *FLAGS, *includes, *map(str, sources), "-o", program], check=True)
    return program


@pytest.fixture
def board(programs: dict[int, Path]) -> Iterator[HostBoard]:
    started = HostBoard(programs[0])
    started.ask(Frame(HELLO))
    yield started
    started.close()


@pytest.fixture
def traced(programs: dict[int, Path]) -> Iterator[HostBoard]:
    started = HostBoard(programs[1])
    started.ask(Frame(HELLO))
    yield started
    started.close()


def pattern(start: int, count: int) -> bytes:
    return bytes((7 * i + start) & 0xFF for i in range(count))


def write_input(board: HostBoard, sequence: int) -> bytes:
    data = pattern(sequence, INPUT_BYTES)
    for offset in range(0, INPUT_BYTES, 400):
        answer = board.ask(Frame(WRITE, sequence, offset, data[offset : offset + 400]))
        assert answer == Frame(WRITE + 0x80, sequence, min(offset + 400, INPUT_BYTES)), (
            "the answer's offset is the number of bytes that have arrived"
        )
    return data


def expected_hello(layers: int) -> bytes:
    sizes = (492, layers, INPUT_BYTES, INPUT_BYTES, INPUT_BYTES if layers else 0)
    numbers = struct.pack("<HHIIIIII", *sizes, 64_000_000, len(IMAGE), zlib.crc32(IMAGE))
    texts = b"0123456789abcdef" + b"fedcba9876543210" + b"nano33".ljust(24, b"\0")
    return numbers + texts + b"stream\0\0"


def test_hello_describes_board_build_and_image(board: HostBoard) -> None:
    answer = board.ask(Frame(HELLO, 5))

    assert answer == Frame(0x81, 5, 0, expected_hello(0))


def test_hello_of_a_trace_build_has_layers_and_arena(traced: HostBoard) -> None:
    assert traced.ask(Frame(HELLO, 6)).payload == expected_hello(LAYERS)


def test_run_answers_with_crcs_time_and_first_bytes_of_output(board: HostBoard) -> None:
    data = write_input(board, 3)
    output = bytes((~byte + 2) & 0xFF for byte in data)

    answer = board.ask(Frame(RUN, 3))

    head = struct.pack("<III", zlib.crc32(data[::-1]), TIME_US, zlib.crc32(output[::-1]))
    assert answer == Frame(RUN + 0x80, 3, 0, head + output[:480])


@pytest.mark.parametrize("most", [0, 1, 479, 481, 65535])
def test_run_answers_with_as_much_of_the_output_as_it_is_asked_for(
    board: HostBoard, most: int
) -> None:
    write_input(board, 3)
    whole = board.ask(Frame(RUN, 3)).payload

    assert board.ask(Frame(RUN, 3, 0, count_bytes(most))).payload == whole[: 12 + most]


def test_read_gives_the_rest_of_the_output_across_tensors(board: HostBoard) -> None:
    data = write_input(board, 3)
    board.ask(Frame(RUN, 3))

    answer = board.ask(Frame(READ, 3, 250, count_bytes(350)))

    assert answer == Frame(READ + 0x80, 3, 250, bytes((~b + 2) & 0xFF for b in data[250:]))


def test_second_run_gives_the_same_answer_and_does_not_run_again(board: HostBoard) -> None:
    write_input(board, 3)

    assert board.ask(Frame(RUN, 3)) == board.ask(Frame(RUN, 3))


def test_no_input_is_taken_between_a_reset_and_hello(programs: dict[int, Path]) -> None:
    board = HostBoard(programs[0])
    write = Frame(WRITE, 3, 0, b"x")
    assert board.ask(write) == refusal(write, NO_SESSION, 0)
    assert board.ask(Frame(RUN, 3)) == refusal(Frame(RUN, 3), INCOMPLETE, 0)
    board.ask(Frame(HELLO))
    assert board.ask(write) == Frame(WRITE + 0x80, 3, 1)
    board.close()


def test_run_without_the_whole_input_is_incomplete(board: HostBoard) -> None:
    board.ask(Frame(WRITE, 3, 0, b"abc"))

    assert board.ask(Frame(RUN, 3)) == refusal(Frame(RUN, 3), INCOMPLETE, 3)
    assert board.ask(Frame(RUN, 4)) == refusal(Frame(RUN, 4), INCOMPLETE, 0)


def test_run_on_the_input_of_another_sequence_number_is_refused(board: HostBoard) -> None:
    write_input(board, 3)

    assert board.ask(Frame(RUN, 4)) == refusal(Frame(RUN, 4), INCOMPLETE, 0)


def test_hello_forgets_input_and_result(board: HostBoard) -> None:
    write_input(board, 3)
    board.ask(Frame(RUN, 3))
    board.ask(Frame(HELLO))
    read = Frame(READ, 3, 0, count_bytes(1))

    assert board.ask(Frame(RUN, 3)) == refusal(Frame(RUN, 3), INCOMPLETE, 0)
    assert board.ask(read) == refusal(read, NOT_RUN, NO_SEQUENCE)


def test_new_sequence_number_forgets_the_old_result(board: HostBoard) -> None:
    write_input(board, 3)
    board.ask(Frame(RUN, 3))
    board.ask(Frame(WRITE, 4, 0, b"x"))
    read = Frame(READ, 3, 0, count_bytes(1))

    assert board.ask(read) == refusal(read, NOT_RUN, 4)


def test_write_behind_a_hole_is_a_gap(board: HostBoard) -> None:
    board.ask(Frame(WRITE, 3, 0, b"abcd"))
    late = Frame(WRITE, 3, 5, b"x")
    straddling = Frame(WRITE, 3, 2, b"xyz")
    first = Frame(WRITE, 9, 1, b"x")

    assert board.ask(late) == refusal(late, GAP, 4)
    assert board.ask(straddling) == refusal(straddling, GAP, 4)
    assert board.ask(first) == refusal(first, GAP, 0)
    assert board.ask(Frame(WRITE, 3, 4, b"e")) == Frame(WRITE + 0x80, 3, 5)


def test_repeated_write_is_stored_again(board: HostBoard) -> None:
    data = pattern(0, INPUT_BYTES)
    board.ask(Frame(WRITE, 3, 0, b"?" * 400))

    assert board.ask(Frame(WRITE, 3, 0, data[:400])) == Frame(WRITE + 0x80, 3, 400)
    board.ask(Frame(WRITE, 3, 400, data[400:]))
    result = board.ask(Frame(RUN, 3))

    assert result.payload[:4] == struct.pack("<I", zlib.crc32(data[::-1]))


@pytest.mark.parametrize("offset", [400, INPUT_BYTES, 0xFFFFFFFF, 0xFFFFFF00])
def test_write_past_the_input_is_too_long(board: HostBoard, offset: int) -> None:
    board.ask(Frame(WRITE, 3, 0, bytes(400)))
    write = Frame(WRITE, 3, offset, bytes(201))

    assert board.ask(write) == refusal(write, TOO_LONG, INPUT_BYTES)


def test_write_after_run_is_refused(board: HostBoard) -> None:
    write_input(board, 3)
    board.ask(Frame(RUN, 3))
    write = Frame(WRITE, 3, 0, b"x")

    assert board.ask(write) == refusal(write, ALREADY_RUN, 3)


def test_read_before_run_is_refused(board: HostBoard) -> None:
    write_input(board, 3)
    read = Frame(READ, 3, 0, count_bytes(1))

    assert board.ask(read) == refusal(read, NOT_RUN, 3)


@pytest.mark.parametrize(("offset", "count"), [(600, 1), (599, 2), (0xFFFFFFFF, 2), (601, 0)])
def test_read_past_the_output_is_out_of_range(board: HostBoard, offset: int, count: int) -> None:
    write_input(board, 3)
    board.ask(Frame(RUN, 3))
    read = Frame(READ, 3, offset, count_bytes(count))

    assert board.ask(read) == refusal(read, OUT_OF_RANGE, INPUT_BYTES)


def test_read_of_more_than_a_frame_is_a_bad_length(board: HostBoard) -> None:
    write_input(board, 3)
    board.ask(Frame(RUN, 3))
    read = Frame(READ, 3, 0, count_bytes(493))

    assert board.ask(read) == refusal(read, BAD_LENGTH, 493)
    assert len(board.ask(Frame(READ, 3, 0, count_bytes(492))).payload) == 492


@pytest.mark.parametrize("kind", [0, 8, 0x7E, 0x81, 0xFE, 0xFF])
def test_unknown_type_is_refused(board: HostBoard, kind: int) -> None:
    assert board.ask(Frame(kind, 3)) == refusal(Frame(kind, 3), BAD_TYPE, kind)


@pytest.mark.parametrize("version", [0, 2, 255])
def test_other_version_is_refused_by_a_frame_of_ours(board: HostBoard, version: int) -> None:
    request = Frame(HELLO, 3, version=version)

    assert board.ask(request) == refusal(request, BAD_VERSION, 1)


@pytest.mark.parametrize(
    ("kind", "length"),
    [(HELLO, 1), (RUN, 1), (RUN, 3), (RUN, 4), (READ, 0), (READ, 3), (TRACE, 0), (PEEK, 492)],
)
def test_wrong_length_of_payload_is_refused(board: HostBoard, kind: int, length: int) -> None:
    request = Frame(kind, 3, 0, bytes(length))

    assert board.ask(request) == refusal(request, BAD_LENGTH, length)


@pytest.mark.parametrize("kind", [TRACE, PEEK])
def test_trace_and_peek_are_refused_by_an_ordinary_build(board: HostBoard, kind: int) -> None:
    write_input(board, 3)
    request = Frame(kind, 3, 0, bytes(2))

    assert board.ask(request) == refusal(request, NOT_IN_THIS_BUILD, kind)


@pytest.mark.parametrize("layer", range(LAYERS))
def test_trace_stops_behind_a_layer_and_peek_sees_it(traced: HostBoard, layer: int) -> None:
    data = write_input(traced, 3)
    trace = Frame(TRACE, 3, 0, count_bytes(layer))

    answer = traced.ask(trace)

    assert answer == Frame(TRACE + 0x80, 3, 0, struct.pack("<II", zlib.crc32(data[::-1]), TIME_US))
    assert traced.ask(trace) == answer
    seen = traced.ask(Frame(PEEK, 3, 100, count_bytes(492))).payload
    assert seen == bytes((~byte + layer) & 0xFF for byte in swapped(data)[100:592])


def test_trace_spends_the_input(traced: HostBoard) -> None:
    write_input(traced, 3)
    traced.ask(Frame(TRACE, 3, 0, count_bytes(1)))
    other = Frame(TRACE, 3, 0, count_bytes(2))

    assert traced.ask(other) == refusal(other, ALREADY_RUN, 3)
    assert traced.ask(Frame(RUN, 3)) == refusal(Frame(RUN, 3), ALREADY_RUN, 3)


def test_trace_of_an_absent_layer_is_out_of_range(traced: HostBoard) -> None:
    trace = Frame(TRACE, 3, 0, count_bytes(LAYERS))

    assert traced.ask(trace) == refusal(trace, OUT_OF_RANGE, LAYERS)


def test_run_of_a_trace_build_runs_all_layers(traced: HostBoard) -> None:
    write_input(traced, 2)
    traced.ask(Frame(TRACE, 2, 0, count_bytes(0)))
    data = write_input(traced, 3)

    result = traced.ask(Frame(RUN, 3))

    assert result.payload[12:] == bytes((~byte + 2) & 0xFF for byte in data[:480])


def test_board_is_silent_unless_asked(board: HostBoard) -> None:
    assert board.answers(b"") == []
    assert board.answers(b"\0\0\0") == []


HELLO_WIRE = Frame(HELLO, 3).wire()
HELLO_PLAIN = Frame(HELLO, 3).plain()
LARGEST = Frame(WRITE, 3, 0, bytes(492)).plain()
WRONG_LENGTH = seal(HELLO_PLAIN[:8] + b"\x01\x00")
BROKEN = {
    "truncated": HELLO_WIRE[:-3],
    "without its first byte": HELLO_WIRE[1:],
    "wrong crc": cobs.encode(HELLO_PLAIN + b"\1\2\3\4"),
    "length above the payload": WRONG_LENGTH,
    "length below the payload": seal(HELLO_PLAIN + b"x"),
    "shorter than a header": seal(HELLO_PLAIN[:9]),
    "only a crc": seal(b""),
    "payload of 493": Frame(WRITE, 3, 0, bytes(493)).wire(),
    "largest frame and more": cobs.encode(
        LARGEST + zlib.crc32(LARGEST).to_bytes(4, "little") + b"x"
    ),
    "endless": b"\x02x" * 5000,
    "endless without zeros": b"\xff" * 5000,
    "length field of 65535": seal(HELLO_PLAIN[:8] + b"\xff\xff"),
}


@pytest.mark.parametrize("broken", BROKEN.values(), ids=BROKEN.keys())
def test_broken_frame_is_dropped_and_the_next_one_served(board: HostBoard, broken: bytes) -> None:
    answers = board.answers(broken + b"\0" + HELLO_WIRE)

    assert [answer.type for answer in answers] == [0x81]


def test_largest_frames_pass_both_ways(board: HostBoard) -> None:
    data = bytes(1 + i % 255 for i in range(INPUT_BYTES))  # no zero: COBS at its longest
    board.ask(Frame(WRITE, 0x0101, 0, data[:492]))
    board.ask(Frame(WRITE, 0x0101, 492, data[492:]))
    result = board.ask(Frame(RUN, 0x0101))

    assert result.payload[:4] == struct.pack("<I", zlib.crc32(data[::-1]))
    assert len(result.payload) == 492


def test_fault_frame_carries_registers_and_the_request_at_work(board: HostBoard) -> None:
    board.ask(Frame(RUN, 77))

    assert board.end() == Frame(FAULT, 0xABCD, 0, struct.pack("<5I", 1, 2, 3, 4, 5))


def test_fault_before_any_request_is_no_reason_to_start_again(programs: dict[int, Path]) -> None:
    """The host's chip ends with 3 if it stops, with 0 if it would start again."""
    done = subprocess.run([programs[0]], input=HELLO_WIRE[:-1], capture_output=True)

    assert unseal(done.stdout[:-1]).type == FAULT
    assert done.returncode == 3


def test_status_needs_no_session_and_changes_none(programs: dict[int, Path]) -> None:
    board = HostBoard(programs[0])
    before = board.ask(Frame(STATUS, 5))
    refused = board.ask(Frame(WRITE, 3))
    board.ask(Frame(HELLO))
    write_input(board, 3)
    between = board.ask(Frame(STATUS, 4))
    after = board.ask(Frame(RUN, 3))
    board.close()

    assert timeless(before).payload == struct.pack("<4I", WATCHDOG, 0, *STACK)
    times = [struct.unpack("<I", answer.payload[4:8])[0] for answer in (before, between)]
    assert times == [TIME_US, 2 * TIME_US]
    assert (refused.type, after.type) == (REFUSAL, RUN + 0x80)


def test_random_garbage_never_silences_the_board(board: HostBoard) -> None:
    @FIXED
    @given(st.lists(st.one_of(st.binary(max_size=700), st.just(b"\0"), st.just(HELLO_WIRE))))
    def check(pieces: list[bytes]) -> None:
        answers = board.answers(b"".join(pieces) + b"\0" + Frame(RUN, 9).wire())
        assert answers[-1] == refusal(Frame(RUN, 9), INCOMPLETE, 0)

    check()


def test_flipped_bit_is_never_answered(board: HostBoard) -> None:
    wire = Frame(WRITE, 3, 0, pattern(0, 40)).wire()[:-1]
    for bit in range(8 * len(wire)):
        flipped = bytearray(wire)
        flipped[bit // 8] ^= 1 << (bit % 8)
        assert board.answers(bytes(flipped)) == [], f"bit {bit}"


SEQUENCES = st.integers(0, 2)
OFFSETS = st.one_of(
    st.sampled_from([0, 0, 0, 300, 492, 599, 600, 601, 0xFFFFFFFF]), st.integers(0, 610)
)
REQUESTS = st.one_of(
    st.builds(
        Frame,
        st.sampled_from([READ, PEEK]),
        SEQUENCES,
        OFFSETS,
        st.one_of(st.integers(0, 500), st.just(65535)).map(count_bytes),
    ),
    st.builds(Frame, st.just(TRACE), SEQUENCES, OFFSETS, st.integers(0, 3).map(count_bytes)),
    st.builds(Frame, st.just(RUN), SEQUENCES, OFFSETS),
    st.builds(Frame, st.just(STATUS), SEQUENCES, OFFSETS),
    st.builds(Frame, st.just(RUN), SEQUENCES, OFFSETS, st.integers(0, 500).map(count_bytes)),
    st.builds(
        lambda sequence, offset, start, count: Frame(
            WRITE, sequence, offset, pattern(start, count)
        ),
        SEQUENCES,
        OFFSETS,
        st.integers(0, 255),
        st.sampled_from([0, 1, 108, 300, 492]),
    ),
    st.builds(Frame, st.integers(2, 255), SEQUENCES, OFFSETS, st.binary(max_size=3)),
)
# Enough whole inputs that the rules behind a run are met too.
WHOLE_INPUT = st.builds(
    lambda sequence, start: [
        Frame(WRITE, sequence, 0, pattern(start, 300)),
        Frame(WRITE, sequence, 300, pattern(start, 300)),
    ],
    SEQUENCES,
    st.integers(0, 255),
)
CONVERSATIONS = st.lists(st.one_of(REQUESTS.map(lambda r: [r]), WHOLE_INPUT), max_size=25).map(
    lambda pieces: [request for piece in pieces for request in piece]
)


def timeless(answer: Frame) -> Frame:
    """Return a status without its time, any other answer as it is."""
    if answer.type != STATUS + 0x80:
        return answer
    return replace(answer, payload=answer.payload[:4] + bytes(4) + answer.payload[8:])


def check_conversations(board: HostBoard, layers: int) -> None:
    @FIXED
    @given(CONVERSATIONS)
    def check(requests: list[Frame]) -> None:
        board.ask(Frame(HELLO))
        reference = Reference(layers)
        for request in requests:
            assert timeless(board.ask(request)) == reference.answer(request), request

    check()


def test_every_conversation_goes_as_the_document_says(board: HostBoard) -> None:
    check_conversations(board, 0)


def test_every_traced_conversation_goes_as_the_document_says(traced: HostBoard) -> None:
    check_conversations(traced, LAYERS)
