"""Whatever a line does to bytes, an answer is right, or there is an error that says why."""

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from faulty import Faults, FaultyLine, evenly
from native import NativeBoard, compile_stub, needs_gcc, stub_output

from tinykit.host.link import Link
from tinykit.host.pace import BOARD_PATIENCE

pytestmark = [needs_gcc, pytest.mark.skipif(os.name != "posix", reason="needs pseudo-terminals")]

INPUT_BYTES = 600
# This line is a thousand times faster than a serial one.
HASTY = replace(BOARD_PATIENCE, first_s=0.02, least_s=0.005, run_first_s=0.02)


@pytest.fixture(scope="module")
def stub(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return compile_stub(tmp_path_factory.mktemp("stub"))


@pytest.fixture
def board(stub: Path) -> Iterator[NativeBoard]:
    started = NativeBoard(stub)
    yield started
    started.close()


def infer_many(link: Link, count: int, seed: int) -> None:
    """Every answer is what the model makes of that very input."""
    source = random.Random(seed)
    for _ in range(count):
        data = source.randbytes(INPUT_BYTES)
        assert link.infer(data).output == stub_output(data)


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
        infer_many(link, 40, seed=2)
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
