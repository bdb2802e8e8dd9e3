"""The C of --app mlperf, compiled for the host: every command, every conversion, fuzzed."""

import contextlib
import shutil
import struct
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from models import ROOT, SANITIZERS, WARNINGS
from runner import READY, Runner

from tinykit.codegen.board_files import board_files
from tinykit.codegen.render import render
from tinykit.core.board import find_board

BYTES = 300  # of the model in tests/c/inverting_model.c
LAP_US = 1000  # between any two looks at the clock of tests/c/host_chip.c
MOST = 1_000_000
FIRMWARE = ROOT / "firmware"
SOURCES = ("link/line", "link/text", "apps/mlperf_model", "apps/mlperf")
FIXED = settings(derandomize=True, deadline=None, database=None, max_examples=300)
HELP = [
    "name, profile, timestamp, help",
    "db load N: expect N bytes",
    "db HH..: load them",
    "db print [N] [offset]: print what is loaded",
    "infer [N=1] [W=10]: run N times after W warm-ups",
    "results: print them again",
]


@dataclass(frozen=True, slots=True)
class Facts:
    """Hold what mlperf.h says."""

    load_bytes: int
    results: int
    input: str
    output: str
    outputs: int
    input_scale: float = 1.0
    input_zero: int = 0
    output_scale: float = 1.0
    output_zero: int = 0

    def header(self) -> str:
        return render(
            "mlperf.h.j2",
            version="0",
            source="x.tflite",
            benchmark="kws01",
            load_bytes=self.load_bytes,
            results=self.results,
            input=f"TK_MLPERF_{self.input}",
            input_scale=np.float32(self.input_scale),
            input_zero=self.input_zero,
            output=f"TK_MLPERF_{self.output}",
            outputs=self.outputs,
            output_scale=np.float32(self.output_scale),
            output_zero=self.output_zero,
        )


SCORES = Facts(BYTES, 4, "COPY", "INT8", 4, output_scale=1 / 256, output_zero=-128)
PIXELS = Facts(BYTES, 2, "LESS_128", "UINT8", 2, output_scale=0.5, output_zero=3)
FLOATS = Facts(BYTES, BYTES // 4, "COPY", "FLOATS", BYTES // 4)
ERROR = Facts(4 * BYTES, 1, "QUANTIZE", "INT8", BYTES, 0.391, 89, 0.364, 96)


class HostBoard:
    """The firmware as a process of the host."""

    def __init__(self, program: Path) -> None:
        self.process = subprocess.Popen(
            [program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def ask(self, data: bytes) -> list[str]:
        assert self.process.stdin
        self.process.stdin.write(data)
        self.process.stdin.flush()
        lines: list[str] = []
        while not lines or READY not in lines[-1]:
            lines.append(self.line())
        return lines

    def line(self) -> str:
        assert self.process.stdout and self.process.stderr
        line = self.process.stdout.readline().decode("ascii")
        assert line, self.process.stderr.read().decode()
        assert line.endswith("\r\n") and "\r" not in line[:-2], line
        return line[:-2]

    def close(self) -> None:
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout, self.process.stderr):
            assert stream
            with contextlib.suppress(OSError):
                stream.close()


def write_headers(facts: Facts, folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "board.h").write_text(board_files(find_board("nano33"), "0")["board.h"])
    (folder / "mlperf.h").write_text(facts.header())


@contextlib.contextmanager
def board(facts: Facts, folder: Path, compiler: str = "gcc") -> Iterator[Runner]:
    """Give the runner's end of a board that runs on this machine."""
    if shutil.which(compiler) is None:
        pytest.skip(f"no {compiler} here")
    write_headers(facts, folder)
    own = [ROOT / "tests" / "c" / name for name in ("host_chip.c", "inverting_model.c")]
    sources = [*(FIRMWARE / f"{name}.c" for name in SOURCES), *own]
    flags = [*WARNINGS, *SANITIZERS, "-O1", "-ffreestanding", "-ffp-contract=off"]
    includes = [f"-I{folder}", f"-I{FIRMWARE / 'apps'}"]
    program = folder / "mlperf"
    subprocess.run([compiler, *flags, *includes, *sources, "-o", program], check=True)
    started = HostBoard(program)
    try:
        yield Runner(started.ask)
    finally:
        started.close()


@dataclass(slots=True)
class Reference:
    """What docs/apps.md says that a board answers, with SCORES."""

    loaded: bytearray = field(default_factory=bytearray)
    expected: int = 0
    answered: bool = False
    laps: int = 0

    def answer(self, text: str) -> list[str]:
        if len(text.encode().translate(None, b"\r\n\0")) > 80:
            return ["e-[Command longer than 80 characters]"]
        words = [word for word in text.translate({13: None, 10: None, 0: None}).split(" ") if word]
        if not words:
            return ["e-[Empty command]"]
        match words[0]:
            case "name":
                return ["m-name-dut-[tinykit nano33]"]
            case "profile":
                return ["m-profile-[ULPMark for tinyML Firmware V0.0.1]", "m-model-[kws01]"]
            case "timestamp":
                return [self.lap()]
            case "help":
                return HELP
            case "db":
                return self.db(words[1:])
            case "infer":
                return self.infer(*[*words[1:3], "", ""][:2])
            case "results":
                return [self.results()]
        kept = "".join(c if c.isascii() and (c.isalnum() or c in " _") else "?" for c in words[0])
        return [f"e-[Unknown command: {kept}]"]

    def lap(self) -> str:
        self.laps += 1
        return f"m-lap-us-{LAP_US * self.laps}"

    def db(self, words: list[str]) -> list[str]:
        if not words:
            return ["e-[Command 'db' requires a subcommand]"]
        if words[0] == "load":
            return [self.load(number([*words, ""][1], BYTES))]
        if words[0] == "print":
            return self.print([*words[1:3], "", ""][:2])
        return self.take(words[0])

    def load(self, count: int | None) -> str:
        if not count:
            return f"e-[Command 'db load' takes 1 to {BYTES} bytes]"
        self.loaded, self.expected, self.answered = bytearray(), count, False
        return f"m-[Expecting {count} bytes]"

    def print(self, words: list[str]) -> list[str]:
        has = len(self.loaded)
        count = number(words[0], has) if words[0] else has
        at = 0 if count is None or not words[1] else number(words[1], has - count)
        if count is None or at is None:
            return [f"e-[Command 'db print' reaches beyond the {has} bytes loaded]"]
        shown = self.loaded[at : at + count]
        rows = [shown[i : i + 8] for i in range(0, count, 8)]
        return ["m-buffer-" + row.hex("-") for row in rows]

    def take(self, word: str) -> list[str]:
        digits = "0123456789abcdefABCDEF"
        bad = next((i for i, c in enumerate(word) if c not in digits), len(word))
        if bad < len(word) and (bad % 2 or bad + 1 < len(word)):
            return ["e-[Invalid hex digit]"]
        if len(word) % 2:
            return ["e-[Insufficent number of hex digits]"]
        left = self.expected - len(self.loaded)
        data = bytes.fromhex(word)
        if len(data) > left:
            return [f"e-[Command 'db' has more bytes than the {left} that are expected]"]
        self.loaded += data
        self.answered = False
        return ["m-load-done"] if len(data) == left else []

    def infer(self, first: str, second: str) -> list[str]:
        count = number(first, MOST) if first else 1
        warmups = number(second, MOST) if second else 10
        if not count:
            return [f"e-[Inference iterations must be >0 and at most {MOST}]"]
        if warmups is None:
            return [f"e-[Inference warmup must be >=0 and at most {MOST}]"]
        if len(self.loaded) != BYTES:
            return [f"e-[Input has {len(self.loaded)} bytes, expected {BYTES}]"]
        self.answered = True
        head = [f"m-warmup-start-{warmups}", "m-warmup-done", f"m-infer-start-{count}"]
        return [*head, self.lap(), self.lap(), "m-infer-done", self.results()]

    def results(self) -> str:
        if not self.answered:
            return "e-[No inference since the input was loaded]"
        steps = np.bitwise_not(np.frombuffer(bytes(self.loaded[:4]), np.int8)).astype(int)
        return f"m-results-[{','.join(f'{(step + 128) / 256:.3f}' for step in steps)}]"


def number(word: str, most: int) -> int | None:
    if not word.isascii() or not word.isdigit() or int(word) > most:
        return None
    return int(word)


def hexed(count: int) -> st.SearchStrategy[str]:
    return st.binary(min_size=0, max_size=count).map(lambda data: "db " + data.hex())


COMMANDS = st.one_of(
    st.sampled_from(["", " ", "name", "profile", "timestamp", "help", "results", "db", "db print"]),
    st.sampled_from(["m-ready", "e-[m-ready]", "name m-ready", "\r\nname", "db load", "infer"]),
    st.integers(0, BYTES + 9).map(lambda n: f"db load {n}"),
    st.sampled_from([f"db load {BYTES}", "db load 31", "db load 4294967596", "db load 3x"]),
    hexed(31),
    hexed(45),
    st.text("0123456789abcdefABCDEFg ", max_size=20).map(lambda text: "db " + text),
    st.tuples(st.integers(0, 40), st.integers(0, 40)).map(lambda n: f"db print {n[0]} {n[1]}"),
    st.tuples(st.integers(0, 3), st.integers(0, 3)).map(lambda n: f"infer {n[0]} {n[1]}"),
    st.sampled_from(["infer 1000001 0", "infer 1 99999999999", "infer -1", "infer 1 x"]),
    st.text(st.characters(max_codepoint=126, exclude_characters="%"), max_size=90),
)
WHOLE = [f"db load {BYTES}", *(f"db {bytes(range(30)).hex()}" for _ in range(10))]
CONVERSATIONS = st.lists(st.one_of(COMMANDS.map(lambda text: [text]), st.just(WHOLE)), max_size=12)


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_every_conversation_goes_as_the_document_says(compiler: str, tmp_path: Path) -> None:
    with board(SCORES, tmp_path, compiler) as runner:
        reference = Reference()

        @FIXED
        @given(CONVERSATIONS)
        def check(conversation: list[list[str]]) -> None:
            for text in (text for part in conversation for text in part):
                assert runner.command(text) == reference.answer(text), text

        check()


def test_letters_that_no_c_string_holds_do_no_harm(tmp_path: Path) -> None:
    """Bytes above 127, as a wrong baud rate makes them, and zeros."""
    with board(SCORES, tmp_path) as runner:
        lines = runner._ask(bytes([0, 0xFF, 0x80, 0, 0x7F]) + b"%")

    assert lines == ["e-[Unknown command: ???]", READY]


def test_pixels_become_int8_and_outputs_may_be_uint8(tmp_path: Path) -> None:
    data = bytes((7 * i) & 0xFF for i in range(BYTES))
    with board(PIXELS, tmp_path) as runner:
        runner.load(data)
        results, _ = runner.infer(2, 1)

    inverted = [0xFF ^ (byte ^ 0x80) for byte in data[:2]]
    assert results == [0.5 * (byte - 3) for byte in inverted]


def test_floats_are_printed_to_the_nearest_thousandth(tmp_path: Path) -> None:
    edges = [0.0, -0.0, 0.0005, 0.0015, 0.0625, 0.0635, 0.9995, 1.0, 123.4565, 16777215.0, 2.0**52]
    edges += [2.0**53 - 2**29, 2.0**53, 3e38, float("inf"), float("nan"), 1e-45, 4.9999e-4]

    with board(FLOATS, tmp_path) as runner:

        def check(values: list[float]) -> None:
            floats = np.resize(np.array([*values, 0.0], "<f4"), BYTES // 4)
            runner.load(np.bitwise_not(floats.view(np.uint32)).tobytes())
            runner.command("infer 1 0")
            (line,) = runner.command("results")
            words = line.removeprefix("m-results-[").removesuffix("]").split(",")
            assert words == [printed(value) for value in floats]

        FIXED(given(st.lists(st.floats(width=32), min_size=40, max_size=40))(check))()
        check(edges)
        check([-value for value in edges])


def printed(value: np.float32) -> str:
    """Return what C's printf would say, but for what is 2^53 or more."""
    if np.isnan(value):
        return "nan"
    if abs(value) >= 2**53:
        return "-inf" if value < 0 else "inf"
    return f"{float(value):.3f}"


def test_floats_are_quantized_and_the_error_is_measured_against_them(tmp_path: Path) -> None:
    with board(ERROR, tmp_path) as runner:

        @settings(FIXED, max_examples=60)
        @given(st.lists(st.floats(-100, 100, width=32), min_size=BYTES, max_size=BYTES))
        def check(values: list[float]) -> None:
            floats = np.array(values, "<f4")
            runner.load(floats.tobytes())
            runner.command("infer 1 0")
            assert runner.command("results") == [f"m-results-[{mean_squared_error(floats):.3f}]"]

        check()


def test_floats_beyond_int8_and_nan_are_held_at_its_ends(tmp_path: Path) -> None:
    values = np.resize(np.array([3e38, -3e38, np.inf, -np.inf, np.nan], "<f4"), BYTES)
    with board(ERROR, tmp_path) as runner:
        runner.load(values.tobytes())
        assert runner.command("infer 1 0")[-1] == "m-results-[nan]"


def mean_squared_error(floats: np.ndarray[tuple[int], np.dtype[np.float32]]) -> np.float32:
    steps = floats / np.float32(ERROR.input_scale)
    rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps))
    # adding a half rounds up what is just below one; the board does not
    rounded = np.where(np.abs(steps - np.trunc(steps)) < 0.5, np.trunc(steps), rounded)
    taken = np.clip(rounded + ERROR.input_zero, -128, 127).astype(np.int8)
    made = (np.bitwise_not(taken).astype(np.int32) - ERROR.output_zero).astype(np.float32)
    total = np.float32(0)
    for difference in made * np.float32(ERROR.output_scale) - floats:
        total += difference * difference
    return total / np.float32(BYTES)


def test_fault_is_reported_on_a_line_of_its_own(tmp_path: Path) -> None:
    """The host's chip makes one up when its input ends."""
    with board(SCORES, tmp_path):
        pass
    done = subprocess.run([tmp_path / "mlperf"], input=b"na", capture_output=True, check=False)

    words = [f"0x{number:08x}" for number in range(1, 6)]
    line = "e-[fault: pc {} lr {} cfsr {} hfsr {} address {}]".format(*words)
    assert done.stdout.decode() == f"\r\n{line}\r\n"
    assert done.returncode == 3, "it has answered nothing yet: starting again is of no use"


def test_times_are_the_chip_s(tmp_path: Path) -> None:
    with board(SCORES, tmp_path) as runner:
        runner.load(struct.pack(f"{BYTES}B", *([1] * BYTES)))
        assert runner.infer(3, 2)[1] == LAP_US
