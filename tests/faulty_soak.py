"""Infer over faulty lines for a long time, in many processes.

Each is `python faulty_soak.py PROGRAM FRAMES SEED` and prints a line of JSON. Every answer is
compared with what the model makes of that input.
"""

import json
import random
import subprocess
import sys
from dataclasses import dataclass, fields, replace
from pathlib import Path

from faulty import Faults, FaultyLine, evenly
from native import NativeBoard, stub_output

from tinykit.host.link import Link
from tinykit.host.pace import BOARD_PATIENCE

INPUT_BYTES = 600
# This line is a thousand times faster than a serial one.
HASTY = replace(BOARD_PATIENCE, first_s=0.02, least_s=0.005, run_first_s=0.02)
INFERENCES_A_LINE = 200
KINDS = (
    *(evenly(rate) for rate in (1e-5, 1e-4, 3e-4, 1e-3)),
    replace(evenly(1e-4), burst=0.02, cut=0.02),
)


@dataclass(frozen=True, slots=True)
class Counts:
    """Hold what went over the lines: frames to the board, faults, inferences, resets."""

    requests: int = 0
    repeats: int = 0
    hits: int = 0
    inferences: int = 0
    restarts: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        """Sum each."""
        return Counts(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def infer_many(link: Link, count: int, seed: int) -> None:
    """Infer; every answer is what the model makes of that very input."""
    source = random.Random(seed)
    for _ in range(count):
        data = source.randbytes(INPUT_BYTES)
        assert link.infer(data).output == stub_output(data)


def soak(program: Path, frames: int, workers: int) -> Counts:
    """Send that many frames, shared out among processes."""
    share = [str(program), str(-(-frames // workers))]
    started = [
        subprocess.Popen(
            [sys.executable, __file__, *share, str(seed)], stdout=subprocess.PIPE, text=True
        )
        for seed in range(workers)
    ]
    total = Counts()
    for process in started:
        out, _ = process.communicate()
        assert process.returncode == 0, "a worker has failed: see its traceback"
        total += Counts(**json.loads(out))
    return total


def work(program: Path, frames: int, seed: int) -> Counts:
    """Send frames over one line after the other, each with faults of another kind."""
    total = Counts()
    line = 0
    while total.requests < frames:
        board = NativeBoard(program)
        total += _one_line(board, KINDS[(line + seed) % len(KINDS)], f"{seed} {line}")
        board.close()
        line += 1
    return total


def _one_line(board: NativeBoard, faults: Faults, seed: str) -> Counts:
    with FaultyLine(board.wire, faults, seed) as line, Link(line.port, patience=HASTY) as link:
        link.hello()
        infer_many(link, INFERENCES_A_LINE // 2, int(seed.split()[1]))
        board.reset()
        infer_many(link, INFERENCES_A_LINE // 2, int(seed.split()[1]) + 1)
    traffic = link.traffic
    return Counts(traffic.requests, traffic.repeats, line.hits, INFERENCES_A_LINE, traffic.restarts)


if __name__ == "__main__":
    counts = work(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
    print(json.dumps({f.name: getattr(counts, f.name) for f in fields(counts)}))
