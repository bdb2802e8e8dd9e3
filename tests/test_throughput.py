"""The link carries little but data, keeps up with a bare line, and runs overnight in one size."""

import json
import os
import random
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from commands import COMMAND, children, spawn
from models import WARNINGS
from native import FAST, OWN, compile_stub, needs_gcc, on_pty

from tinykit.host.line import Line
from tinykit.host.link import Link

pytestmark = [needs_gcc, pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")]

LEAST_FORWARD = 0.85  # of the bytes to the board are input, if that is over 1 KB
LEAST_RATIO = 0.5  # of the data a second that a bare line carries in frames as long
LEAST_RATIO_OF_1_KB = 0.25  # which takes four exchanges for what a bare line does in two
INPUTS_BYTES = (1032, 4104, 27_656)
OUTPUT_BYTES = 8
NO_GROWTH_KB = 2048  # the allocator's own ups and downs; a leak of 1 KB an inference is 8 MB

needs_proc = pytest.mark.skipif(not Path("/proc").is_dir(), reason="needs /proc")


@contextmanager
def linked(folder: Path, input_bytes: int) -> Iterator[Link]:
    """Give a link to a native board whose model takes that many bytes and answers with few."""
    folder.mkdir()
    sizes = [f"-DHALF_BYTES={input_bytes // 2}u", f"-DOUTPUT_BYTES={OUTPUT_BYTES // 2}u"]
    with on_pty(compile_stub(folder, [*FAST, *sizes])) as port, Link(port) as link:
        assert link.hello().input_bytes == input_bytes
        yield link


def answer_to(data: bytes) -> bytes:
    """Return what the stub makes of an input, as far as it tells."""
    half = len(data) // 2
    told = data[: OUTPUT_BYTES // 2] + data[half : half + OUTPUT_BYTES // 2]
    return bytes((~byte + 2) & 0xFF for byte in told)


def infer_many(link: Link, count: int, input_bytes: int) -> None:
    source = random.Random(1)
    for _ in range(count):
        data = source.randbytes(input_bytes)
        assert link.infer(data).output == answer_to(data)


def resident_kb(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") // 1024


@pytest.mark.parametrize("input_bytes", INPUTS_BYTES)
def test_most_bytes_to_the_board_are_data(
    input_bytes: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with linked(tmp_path / "board", input_bytes) as link:
        infer_many(link, 20, input_bytes)
    traffic = link.traffic
    assert (traffic.repeats, traffic.input_bytes) == (0, 20 * input_bytes)
    forward = traffic.input_bytes / traffic.sent_bytes
    with capsys.disabled():
        print(f"\n{input_bytes} bytes an input: {100 * forward:.1f} % of the forward bytes")
    assert forward >= LEAST_FORWARD


@needs_proc
def test_two_thousand_inferences_take_no_memory(tmp_path: Path) -> None:
    with linked(tmp_path / "board", 1032) as link:
        infer_many(link, 500, 1032)
        before_kb = resident_kb(os.getpid())
        infer_many(link, 2000, 1032)
        assert resident_kb(os.getpid()) - before_kb < NO_GROWTH_KB


@pytest.mark.soak
@needs_proc
def test_ten_thousand_inferences_take_no_memory(
    dense_build: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Neither here nor in the emulator."""
    pytest.importorskip("unicorn")
    words = ("--emulator", "unicorn", "--inputs", "10000", "--json")
    began = time.monotonic()
    process = spawn("verify", dense_build, *words)
    sizes_kb: list[tuple[int, int]] = []
    while process.poll() is None:
        time.sleep(0.5)
        for emulator in children(process.pid, "tinykit.host.unicorn"):
            try:
                sizes_kb.append((resident_kb(process.pid), resident_kb(emulator)))
            except (OSError, IndexError):  # they are ending
                break
    out, err = process.communicate()
    assert process.returncode == 0, err
    report = json.loads(out)
    assert (report["inputs"], report["mismatches"]) == (10_000, 0)
    fifth = len(sizes_kb) // 5
    settled, last = sizes_kb[fifth : 2 * fifth], sizes_kb[-fifth:]
    grown_kb = [max(s[i] for s in last) - max(s[i] for s in settled) for i in (0, 1)]
    with capsys.disabled():
        print(
            f"\n10 000 inferences in {time.monotonic() - began:.0f} s: grown by {grown_kb[0]} KB "
            f"here, {grown_kb[1]} KB in the emulator, of {last[-1]}"
        )
    assert max(grown_kb) < NO_GROWTH_KB


def bare_rate(line: Line, count: int) -> float:
    """Return the bytes a second that frames of 512 bytes carry, one way, without a protocol."""
    data = random.Random(2).randbytes(512)
    began = time.perf_counter()
    for _ in range(count):
        line.write(data)
        got = 0
        while got < len(data):
            got += len(line.read(1.0))
    return count * len(data) / (time.perf_counter() - began)


def link_rate(link: Link, count: int, input_bytes: int) -> float:
    data = random.Random(3).randbytes(input_bytes)
    began = time.perf_counter()
    for _ in range(count):
        link.infer(data)
    return count * input_bytes / (time.perf_counter() - began)


@pytest.mark.soak
def test_the_link_carries_half_of_what_a_bare_line_does(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The best of many short turns, taken in turn: what else the machine does slows both."""
    program = tmp_path / "ping_pong"
    source = OWN / "ping_pong.c"
    subprocess.run(["gcc", *WARNINGS, *FAST, str(source), "-o", program], check=True)
    with ExitStack() as stack:
        bare = Line(stack.enter_context(on_pty(program)), 115200)
        stack.callback(bare.close)
        links = {
            size: stack.enter_context(linked(tmp_path / str(size), size)) for size in INPUTS_BYTES
        }
        most, best = 0.0, dict.fromkeys(INPUTS_BYTES, 0.0)
        for _ in range(200):
            most = max(most, bare_rate(bare, 100))
            for size, link in links.items():
                best[size] = max(best[size], link_rate(link, max(2, 40_000 // size), size))
    with capsys.disabled():
        print(f"\nbare line: {most / 1e6:.1f} MB/s")
        for size, rate in best.items():
            print(f"{size} bytes an input: {rate / 1e6:.1f} MB/s, {rate / most:.2f} of it")
    assert min(best[size] for size in INPUTS_BYTES[1:]) >= LEAST_RATIO * most
    assert best[INPUTS_BYTES[0]] >= LEAST_RATIO_OF_1_KB * most


@pytest.mark.soak
def test_all_digits_are_verified_within_a_minute(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("unicorn")
    pytest.importorskip("tensorflow")
    demo = [*COMMAND, "demo", "digits", "--json"]
    subprocess.run(demo, cwd=tmp_path, check=True, capture_output=True)
    folder = tmp_path / "build" / "demo-digits"
    data = ("--data", folder / "digits_test.npz")
    began = time.monotonic()
    process = spawn("verify", folder / "nano33", "--emulator", "unicorn", *data, "--json")
    out, err = process.communicate()
    seconds = time.monotonic() - began
    assert process.returncode == 0, err
    report = json.loads(out)
    assert (report["inputs"], report["mismatches"]) == (360, 0)
    with capsys.disabled():
        print(f"\n360 digits verified in {seconds:.1f} s, accuracy {report['score']['value']:.4f}")
    assert seconds < 60
