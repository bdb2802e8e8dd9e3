"""Whatever a line does to bytes, an answer is right, or there is an error that says why."""

import itertools
import os
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
import tiny
from commands import Tinykit, shared_build, spawn
from faulty import Faults, FaultyLine, PtyWire, evenly
from faulty_soak import HASTY, INPUT_BYTES, infer_many, soak
from native import NativeBoard, compile_build, compile_stub, needs_gcc, on_pty
from serial.tools import list_ports

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import CheckFailedError, MissingToolError
from tinykit.host.judge import judge
from tinykit.host.link import Link
from tinykit.host.record import read_record
from tinykit.host.samples import random_samples
from tinykit.host.session import start_for
from tinykit.host.unicorn_emulator import UnicornEmulator

pytestmark = [needs_gcc, pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")]


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture
def board(stub: Path) -> Iterator[NativeBoard]:
    started = NativeBoard(stub)
    yield started
    started.close()


@pytest.mark.parametrize("rate", [0.0, 1e-5, 1e-4, 3e-4, 1e-3])
def test_every_answer_is_right_at_any_error_rate(board: NativeBoard, rate: float) -> None:
    with FaultyLine(board.wire, evenly(rate)) as line, Link(line.port, patience=HASTY) as link:
        link.hello()
        infer_many(link, 60, seed=1)
    traffic = link.traffic
    assert (line.hits > 0) == (rate >= 1e-4)
    assert traffic.sent_bytes == line.sent_bytes
    assert traffic.repeats > 0 or rate < 3e-4
    assert traffic.restarts == traffic.replugs == 0
    assert link.halvings > 0 or rate < 1e-3


KINDS = {
    "lost": Faults(lost=1e-3),
    "doubled": Faults(doubled=1e-3),
    "flipped": Faults(flipped=1e-3),
    "inserted": Faults(inserted=1e-3),
    "bursts": Faults(burst=0.1),
    "cut": Faults(cut=0.1),
    "delays": Faults(delay=0.05, delay_s=0.05),
}


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_fault_is_survived(board: NativeBoard, kind: str) -> None:
    with FaultyLine(board.wire, KINDS[kind]) as line, Link(line.port, patience=HASTY) as link:
        link.hello()
        infer_many(link, 20, seed=2)
    assert link.traffic.repeats > 0


BANNER = b"\r\nBootloader 1.2\r\n\x00Starting...\r\n"


def test_a_board_that_is_reset_in_mid_stream_is_asked_again(board: NativeBoard) -> None:
    with FaultyLine(board.wire, Faults()) as line, Link(line.port, patience=HASTY) as link:
        link.hello()
        for seed in range(5):
            infer_many(link, 3, seed)
            board.reset()
            line.say(BANNER)
    assert link.traffic.restarts == 4  # the last was not noticed any more


def test_a_board_that_is_reset_all_the_time_is_given_up(board: NativeBoard) -> None:
    chunks = itertools.count()

    def resetting(data: bytes) -> bytes:
        if data[-1:] == b"\0" and next(chunks) % 4 == 2:  # hello, its answer, a write
            board.reset()
        return data

    with (
        FaultyLine(board.wire, Faults(mangle=resetting)) as line,
        Link(line.port, patience=HASTY) as link,
        pytest.raises(CheckFailedError, match=r"lost its input 4 times in one inference") as caught,
    ):
        link.infer(bytes(INPUT_BYTES))
    assert "no_session" in caught.value.message and "supply" in caught.value.hint


def test_a_board_that_reboots_when_the_port_opens_is_waited_for(board: NativeBoard) -> None:
    with FaultyLine(board.wire, Faults(mangle=deaf_for(0.4))) as line:
        threading.Timer(0.4, line.say, [BANNER]).start()
        with Link(line.port) as link:
            assert link.hello().board == "nano33"
            infer_many(link, 3, 1)


def deaf_for(seconds: float) -> Callable[[bytes], bytes]:
    """Lose everything until some time after the first byte."""
    began: list[float] = []

    def pass_on(data: bytes) -> bytes:
        began.append(time.monotonic())
        return data if began[-1] - began[0] >= seconds else b""

    return pass_on


@contextmanager
def plugged(board: NativeBoard, socket: Path) -> Iterator[FaultyLine]:
    """Give a line under a name that stays the same, as udev's names do."""
    with FaultyLine(board.wire, Faults()) as line:
        socket.symlink_to(line.port)
        yield line
        socket.unlink()


def test_a_board_that_is_unplugged_and_plugged_in_again_goes_on(
    board: NativeBoard, tmp_path: Path
) -> None:
    port = tmp_path / "ttyBOARD"
    ended = threading.Event()

    def plug_in() -> None:
        time.sleep(0.3)
        board.reset()  # the plug is its supply
        with plugged(board, port):
            ended.wait(60)

    with plugged(board, port):
        link = Link(str(port), patience=HASTY)
        link.hello()
        infer_many(link, 2, 1)
    thread = threading.Thread(target=plug_in)
    thread.start()
    infer_many(link, 5, 2)
    link.close()
    ended.set()
    thread.join()
    assert (link.traffic.replugs, link.traffic.restarts) == (1, 1)


def test_a_board_that_comes_back_under_another_name_is_found(
    board: NativeBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its USB ids and serial number, as the system tells them; another board is left alone."""
    first, second, other = (tmp_path / f"ttyACM{i}" for i in range(3))
    ended = threading.Event()

    def comports() -> list[SimpleNamespace]:
        numbers = {first: "A1", second: "A1", other: "B2"}
        return [
            SimpleNamespace(device=str(path), vid=0x2341, pid=0x805A, serial_number=number)
            for path, number in numbers.items()
            if path.is_symlink()
        ]

    def plug_in() -> None:
        time.sleep(0.3)
        board.reset()
        with plugged(board, second):
            ended.wait(60)

    monkeypatch.setattr(list_ports, "comports", comports)
    other.symlink_to(os.devnull)
    with plugged(board, first):
        link = Link(str(first), patience=HASTY)
        link.hello()
        infer_many(link, 2, 1)
    thread = threading.Thread(target=plug_in)
    thread.start()
    infer_many(link, 5, 2)
    link.close()
    ended.set()
    thread.join()
    assert (link.port, link.traffic.replugs) == (str(second), 1)


def test_a_board_that_stays_away_is_missed(board: NativeBoard, tmp_path: Path) -> None:
    port = tmp_path / "ttyBOARD"
    with plugged(board, port):
        link = Link(str(port), patience=replace(HASTY, replug_s=0.3))
        link.hello()
    with pytest.raises(MissingToolError) as caught:
        infer_many(link, 1, 2)
    link.close()
    assert caught.value.message == f"{port} went away and did not come back within 0.3 s"
    assert caught.value.hint == f"plug it in and start again ({port} does not exist)"


def test_another_board_at_the_same_port_is_refused(board: NativeBoard, tmp_path: Path) -> None:
    with FaultyLine(board.wire, Faults()) as line, Link(line.port, patience=HASTY) as link:
        infer_many(link, 2, 1)
        board.program = compile_stub(tmp_path, build_id="0" * 16)
        board.reset()
        with pytest.raises(CheckFailedError, match=r"changed: it ran .* \(build fedc.*build 0000"):
            infer_many(link, 1, 2)


def garbled(data: bytes) -> bytes:
    """Return what another baud rate makes of bytes: more of them, and others."""
    return bytes(byte >> 3 | 0xE0 for byte in data for _ in range(2))


@pytest.mark.parametrize(
    ("mangle", "message"),
    [
        (garbled, r"no answer from .* after \d\.\d s \(sent hello \d+ times, 115200 baud\)"),
        (lambda data: b"m-ready\r\n", r"sent \d+ bytes in .*, no valid answer \(sent hello"),
    ],
    ids=["another baud rate", "another firmware"],
)
def test_what_never_answers_is_said(
    board: NativeBoard, mangle: Callable[[bytes], bytes], message: str
) -> None:
    """The board hears garbage; what it could say comes back as other garbage."""
    patience = replace(HASTY, silence_s=0.5, least_attempts=3)
    with (
        FaultyLine(board.wire, Faults(mangle=mangle)) as line,
        Link(line.port, patience=patience) as link,
        pytest.raises(MissingToolError, match=message),
    ):
        if "m-ready" in repr(mangle(b"")):
            line.say(mangle(b""))
        link.hello()


def test_a_line_that_only_sends_back_is_named() -> None:
    ours, theirs = socket.socketpair()
    echo = threading.Thread(target=lambda: [theirs.sendall(d) for d in iter_chunks(theirs)])
    echo.start()
    patience = replace(HASTY, silence_s=0.3, least_attempts=3)
    with (
        FaultyLine(ours, Faults()) as line,
        Link(line.port, patience=patience) as link,
        pytest.raises(MissingToolError, match="only sends back what it gets") as caught,
    ):
        link.hello()
    ours.close()
    echo.join()
    theirs.close()
    assert "TX and RX joined" in caught.value.hint


def iter_chunks(wire: socket.socket) -> Iterator[bytes]:
    while data := wire.recv(4096):
        yield data


def test_a_port_is_held_by_a_program_with_a_name(board: NativeBoard) -> None:
    hold = "import sys, serial; p = serial.Serial(sys.argv[1], exclusive=True); print(); input()"
    with FaultyLine(board.wire, Faults()) as line:
        holder = subprocess.Popen(
            [sys.executable, "-c", hold, line.port], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        assert holder.stdout is not None
        holder.stdout.readline()
        with pytest.raises(MissingToolError, match="is in use by another program") as caught:
            Link(line.port)
        holder.communicate(b"\n")
    assert f"(process {holder.pid})" in caught.value.hint or not Path("/proc/self/fd").is_dir()


def test_the_emulated_board_is_asked_again(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pytest.importorskip("unicorn")
    folder = shared_build(tmp_path_factory, "dense", tiny.dense())
    record = read_record(folder)
    graph = import_tflite(tiny.dense(), "dense.tflite")
    samples = random_samples(graph, 40, 1)
    truth = judge(tiny.dense(), graph, samples)
    with start_for(folder, record, "unicorn") as emulator:
        assert isinstance(emulator, UnicornEmulator)
        wire = PtyWire(emulator.port)
        with FaultyLine(wire, evenly(1e-3)) as line, Link(line.port) as link:
            link.hello()
            for sample in range(len(samples)):
                if sample % 10 == 9:
                    emulator.reset()
                assert link.infer(samples.row(sample)).output == truth.row(sample)
        wire.close()
    assert link.traffic.restarts == 4
    assert line.hits > 0


def test_ctrl_c_leaves_the_board_ready(dense_build: Path, tmp_path: Path, tinykit: Tinykit) -> None:
    program = compile_build(dense_build, tmp_path)
    source = random.Random(1)
    with on_pty(program) as port:
        for _ in range(3):
            process = spawn("verify", dense_build, "--port", port, "--inputs", "100000", "--json")
            time.sleep(1.0 + source.random())
            process.send_signal(signal.SIGINT)
            out, err = process.communicate(timeout=60)
            assert (process.returncode, out, err) == (130, "", "tinykit: interrupted\n")
        report = tinykit("verify", dense_build, "--port", port, "--json").json
    assert (report["inputs"], report["mismatches"]) == (20, 0)


def test_faults_by_the_thousand_accept_no_wrong_answer(stub: Path) -> None:
    found = soak(stub, frames=4_000, workers=2)
    assert found.hits > 0


@pytest.mark.soak
def test_faults_by_the_million_accept_no_wrong_answer(
    stub: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = soak(stub, frames=1_000_000, workers=12)
    with capsys.disabled():
        print(f"\nfaults: {found}, not one wrong prediction accepted")
    assert found.requests >= 1_000_000
