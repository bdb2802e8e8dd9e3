"""Try everything that tinykit needs of a board, with a small model of its own, in one run."""

import platform
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tinykit.core.board import Board
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.host.build import BuildOptions, build
from tinykit.host.find_port import usb_ports
from tinykit.host.flash import Target, flash
from tinykit.host.frame import DELIMITER, MAX_ENCODED_BYTES, Frame, FrameType, encode
from tinykit.host.judge import Truth, judge
from tinykit.host.line import Line
from tinykit.host.link import Link
from tinykit.host.loaded import load
from tinykit.host.pace import EMULATOR_PATIENCE
from tinykit.host.record import BuildRecord
from tinykit.host.samples import Samples, random_samples
from tinykit.host.session import Place, choose_place, open_session, start_for
from tinykit.host.verify import VerifyReport, answering, verify, verify_layers
from tinykit.host.version import VERSION

SCHEMA = 1
OK, FAILED, SKIPPED = "ok", "failed", "skipped"
MODEL = Path(__file__).parent / "acceptance.tflite"  # made by tests/acceptance_model.py

_BAD_RESETS = frozenset({"watchdog", "fault", "lockup"})
_LEAST_FORWARD = 0.85  # of the bytes to the board: docs/protocol.md, What it carries
_SEED = 1

Figures = Mapping[str, object]
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Effort:
    """Say how many inputs to verify, to compare by layers, and to infer without a break."""

    inputs: int
    layers: int
    soak: int


ON_HARDWARE = Effort(inputs=200, layers=10, soak=5000)
EMULATED = Effort(inputs=5, layers=1, soak=20)  # which is a thousand times slower


@dataclass(frozen=True, slots=True)
class Check:
    """Hold one check: "ok", "failed" or "skipped", why, and what was measured."""

    name: str
    outcome: str
    why: str
    figures: Figures


@dataclass(frozen=True, slots=True)
class AcceptanceReport:
    """Hold what a hardware owner sends in.

    Attributes:
        place: the port, or the emulator's name.
        usb: id and product of the device at the port; empty in an emulator.
        system, python: of this machine.
        digest, build_id, image_crc32: of the image that was on the board in the end.
        effort: how much was tried.
    """

    schema: int
    tinykit: str
    date: str
    board: str
    title: str
    place: str
    usb: str
    system: str
    python: str
    toolchain: str
    digest: str
    build_id: str
    image_crc32: int
    clock_hz: int
    effort: Effort
    ok: bool
    checks: tuple[Check, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Bench:
    """Hold a board that runs one of our builds: where it is, what to ask, the right answers."""

    folder: Path
    record: BuildRecord
    place: Place
    samples: Samples
    truth: Truth
    effort: Effort


class Run:
    """Note check after check; once the board cannot be reached, the others are skipped."""

    def __init__(self, say: Say) -> None:
        self.checks: list[Check] = []
        self.lost = False
        self._say = say

    def check(self, name: str, function: Callable[[], Figures]) -> Figures:
        """Do one; what it raises is why it failed."""
        if self.lost:
            self.skip(name, "the board could not be reached")
            return {}
        self._say(name)
        try:
            figures = function()
        except TinykitError as error:
            self.checks.append(Check(name, FAILED, f"{error.message}; {error.hint}", {}))
            return {}
        self.checks.append(Check(name, OK, "", figures))
        return figures

    def skip(self, name: str, why: str) -> None:
        """Note that one was not done."""
        self.checks.append(Check(name, SKIPPED, why, {}))

    def need(self, name: str, function: Callable[[], Figures]) -> Figures:
        """Do one without which no other can be done."""
        figures = self.check(name, function)
        self.lost |= self.checks[-1].outcome == FAILED
        return figures


def accept(board: Board, place: Place | None, say: Say) -> AcceptanceReport:
    """Try a board.

    Args:
        board: what it is.
        place: the port of its link, or an emulator; None finds the port.
        say: is told what is being done.

    Raises:
        TinykitError: the images cannot be built, or the emulator is not there.
    """
    effort = EMULATED if place is not None and place.emulator is not None else ON_HARDWARE
    run = Run(say)
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        traced = _built(board, Path(name, "trace"), True, say)
        plain = _built(board, Path(name, "stream"), False, say)
        with _running(run, board, Path(name, "trace"), traced, place, effort) as bench:
            _check_all(run, bench, {"every activation is the oracle's": _layers})
        with _running(run, board, Path(name, "stream"), plain, place, effort) as bench:
            found = run.need("it says who it is", lambda: _greeting(bench))
            _check_all(run, bench, CHECKS)
            at = bench.place.port if bench is not None else None
    where = place if place is not None else Place(at or "no port", None)
    return _report(board, plain, where, effort, run, found.get("clock_hz", 0))


def _built(board: Board, folder: Path, trace: bool, say: Say) -> BuildRecord:
    say(f"building {folder.name}")
    return build(MODEL.read_bytes(), MODEL.name, board, BuildOptions(trace=trace), folder)


def _check_all(run: Run, bench: Bench | None, checks: Mapping[str, "_Checking"]) -> None:
    for name, function in checks.items():
        run.check(name, lambda function=function: function(_there(bench)))  # type: ignore[misc]


def _there(bench: Bench | None) -> Bench:
    assert bench is not None, "no check is done on a board that could not be reached"
    return bench


@contextmanager
def _running(
    run: Run, board: Board, folder: Path, record: BuildRecord, place: Place | None, effort: Effort
) -> Iterator[Bench | None]:
    """Flash an image, or start an emulator with it; None where that failed."""
    name = f"the {folder.name} image is flashed"
    graph = load(folder, record).graph
    samples = random_samples(graph, effort.inputs, _SEED)
    truth = judge(MODEL.read_bytes(), graph, samples)
    if place is not None and place.emulator is not None:
        run.skip(name, f"the image runs in {place.emulator}")
        with start_for(folder, record, place.emulator) as emulator:
            at = Place(emulator.port, None, EMULATOR_PATIENCE)
            yield Bench(folder, record, at, samples, truth, effort)
        return
    port = place.port if place is not None else None
    found = run.need(name, lambda: _flashed(folder, record, board, port))
    if run.lost:
        yield None
        return
    at = Place(str(found["port"]), None)
    yield Bench(folder, record, at, samples, truth, effort)


def _flashed(folder: Path, record: BuildRecord, board: Board, port: str | None) -> Figures:
    began = time.monotonic()
    done = flash(folder, record, board, Target(link=port), lambda _text: None)
    heard = done.answered or port or choose_place(None, None, board).port
    return {"port": heard, "seconds": round(time.monotonic() - began, 1)}


def _greeting(bench: Bench | None) -> Figures:
    there = _there(bench)
    with open_session(there.folder, there.record, there.place) as session:
        hello = session.hello
    return {**asdict(answering(hello)), "image_crc32": hello.image_crc32}


def _outputs(bench: Bench) -> Figures:
    report = verify(bench.folder, bench.record, bench.place, bench.samples)
    _require_exact(report)
    assert report.latency is not None
    return {"inputs": report.inputs, "oracle": report.oracle, **asdict(report.latency)}


def _layers(bench: Bench) -> Figures:
    part = bench.samples.part(0, bench.effort.layers)
    report = verify_layers(bench.folder, bench.record, bench.place, part)
    _require_exact(report)
    return {"inputs": report.inputs, "tensors": report.layers, "oracle": report.oracle}


def _require_exact(report: VerifyReport) -> None:
    if report.first is not None:
        raise CheckFailedError(
            f"{report.mismatches} of {report.inputs} inputs differ, the first in layer "
            f"'{report.first.layer}', tensor {report.first.tensor}, input {report.first.sample}",
            "please report it with this file",
        )


def _repeated(bench: Bench) -> Figures:
    """Ask the same twice, in two sessions."""
    times: list[list[int]] = []
    for _ in range(2):
        with open_session(bench.folder, bench.record, bench.place) as session:
            times.append([_asked(session.link, bench, i) for i in range(len(bench.samples))])
    apart = max(abs(a - b) for a, b in zip(*times, strict=True))
    return {"inputs": len(bench.samples), "times_apart_us": apart}


def _asked(link: Link, bench: Bench, sample: int) -> int:
    """Return how long one inference took, whose answer has to be right."""
    result = link.infer(bench.samples.row(sample))
    if result.output != bench.truth.row(sample):
        raise CheckFailedError(f"input {sample} got another answer", "is its supply steady?")
    return result.time_us


def _noise() -> Iterator[bytes]:
    """Give what no board should mind: noise, frames cut, damaged, too long, or out of place."""
    source = random.Random(_SEED)
    whole = encode(Frame(FrameType.WRITE, 1, 0, source.randbytes(100)))
    yield source.randbytes(2 * MAX_ENCODED_BYTES)
    yield bytes(MAX_ENCODED_BYTES)
    yield b"\xff" * (2 * MAX_ENCODED_BYTES)
    yield DELIMITER + whole[:60]
    yield DELIMITER + whole[:50] + b"\x01" + whole[51:]
    yield DELIMITER + encode(Frame(FrameType.WRITE, 1, 0xFFFFFFFF, source.randbytes(100)))
    yield DELIMITER + encode(Frame(0x7F, 1))


def _garbage(bench: Bench) -> Figures:
    assert bench.place.port is not None
    sent = 0
    for noise in _noise():
        line = Line(bench.place.port, bench.record.link.baud)
        line.write(noise)
        while line.read(0.2):
            pass
        line.close()
        sent += len(noise)
        with open_session(bench.folder, bench.record, bench.place) as session:
            _asked(session.link, bench, 0)
            reasons = session.link.status().reset_reasons
    _require_no_reset(reasons)
    return {"bytes": sent}


def _soak(bench: Bench) -> Figures:
    with open_session(bench.folder, bench.record, bench.place) as session:
        link, began = session.link, time.monotonic()
        times = [_asked(link, bench, i % len(bench.samples)) for i in range(bench.effort.soak)]
        seconds = time.monotonic() - began
        traffic = link.traffic
    forward = traffic.input_bytes / traffic.sent_bytes
    if forward < _LEAST_FORWARD and not traffic.repeats:
        raise CheckFailedError(
            f"{100 * forward:.1f} % of the bytes sent were inputs", "docs/protocol.md"
        )
    return {
        "inferences": len(times),
        "inferences_a_second": round(len(times) / seconds, 1),
        "input_bytes_a_second": round(traffic.input_bytes / seconds),
        "forward_share": round(forward, 3),
        "median_us": statistics.median(times),
        "minimum_us": min(times),
        "maximum_us": max(times),
        "frames": traffic.requests,
        "repeats": traffic.repeats,
        "restarts": traffic.restarts,
    }


def _status(bench: Bench) -> Figures:
    with open_session(bench.folder, bench.record, bench.place) as session:
        status = session.link.status()
    _require_no_reset(status.reset_reasons)
    if not 0 < status.stack_used_bytes <= status.stack_bytes:
        raise CheckFailedError(
            f"{status.stack_used_bytes} of {status.stack_bytes} bytes of stack are used",
            "please report it with this file",
        )
    return {**asdict(status), "arena_bytes": bench.record.sizes.arena}


def _require_no_reset(reasons: tuple[str, ...]) -> None:
    if bad := _BAD_RESETS & set(reasons):
        raise CheckFailedError(
            f"it was reset by {', '.join(sorted(bad))}", "please report it with this file"
        )


_Checking = Callable[[Bench], Figures]
CHECKS: Mapping[str, _Checking] = {
    "every answer is the oracle's": _outputs,
    "the same inputs get the same answers again": _repeated,
    "it survives garbage on the line": _garbage,
    "it infers without a break": _soak,
    "its stack holds and nothing reset it": _status,
}


def _report(
    board: Board, record: BuildRecord, place: Place, effort: Effort, run: Run, clock_hz: object
) -> AcceptanceReport:
    at = [port for port in usb_ports() if port.device == place.port]
    return AcceptanceReport(
        schema=SCHEMA,
        tinykit=VERSION,
        date=datetime.now(UTC).date().isoformat(),
        board=board.name,
        title=board.title,
        place=str(place),
        usb=f"{at[0].usb_id} {at[0].title}".strip() if at else "",
        system=platform.platform(),
        python=platform.python_version(),
        toolchain=record.toolchain,
        digest=record.digest,
        build_id=record.build_id,
        image_crc32=record.image_crc32,
        clock_hz=int(str(clock_hz)),
        effort=effort,
        ok=all(check.outcome != FAILED for check in run.checks),
        checks=tuple(run.checks),
    )
