"""The cycle estimate of sequences computed by hand from the table in host/cycles.py."""

import struct

import pytest
from models import ROOT

from tinykit.host.calibration import MEASUREMENTS, calibrated_range

cycles = pytest.importorskip("tinykit.host.cycles")

# code, instructions, cycles if the next block is the one behind, cycles if it jumps
SEQUENCES = {
    "adds r0, #1; movs r1, r0": ([0x3001, 0x0001], 2, 2, 2),
    "ldr alone": ([0x6808], 1, 2, 2),
    "ldr straight after ldr": ([0x6808, 0x684A], 2, 3, 3),
    "ldr after adds": ([0x6808, 0x3001, 0x684A], 3, 5, 5),
    "str; ldr": ([0x6008, 0x684A], 2, 2, 2),
    "str; str": ([0x6008, 0x604A], 2, 2, 2),
    "ldrd r0, r1, [r2]": ([0xE9D2, 0x0100], 1, 3, 3),
    "ldm r0!, {r1-r4}": ([0xC81E], 1, 5, 5),
    "push {r4, lr}": ([0xB510], 1, 3, 3),
    "pop {r4, pc}": ([0xBD10], 1, 3, 5),
    "subs r0, #1; bne": ([0x3801, 0xD1FD], 2, 2, 4),
    "bl": ([0xF000, 0xF801], 1, 1, 3),
    "bx lr": ([0x4770], 1, 1, 3),
    "cbz r0": ([0xB108], 1, 1, 3),
    "sdiv r0, r1, r2": ([0xFB91, 0xF0F2], 1, 7, 7),
    "smlad r0, r1, r2, r3": ([0xFB21, 0x3002], 1, 1, 1),
    "itt eq; moveq; moveq": ([0xBF04, 0x2001, 0x2101], 3, 3, 3),
    "tbb [pc, r0]": ([0xE8DF, 0xF000], 1, 2, 4),
    "vpush {d8, d9}": ([0xED2D, 0x8B04], 1, 5, 5),
    "vdiv.f32 s0, s0, s1": ([0xEE80, 0x0A20], 1, 14, 14),
}


@pytest.mark.parametrize("name", SEQUENCES)
def test_a_sequence_costs_what_the_table_says(name: str) -> None:
    code, instructions, ahead, away = SEQUENCES[name]

    cost = cycles.block_cost(struct.pack(f"<{len(code)}H", *code))

    assert (cost.instructions, cost.ahead, cost.away) == (instructions, ahead, away)
    assert cost.uses_fpu == name.startswith("v")


def timing_rows() -> list[str]:
    """Return the table of docs/cycles.md."""
    rows = []
    for row in cycles.TIMINGS:
        cost = f"{row.cycles} + N" if row.each else str(row.cycles)
        if row.behind_access is not None:
            cost += f", {row.behind_access} straight behind another load or store"
        rows.append(f"| {row.what} | {cost} | {cycles.SOURCES[row.source]} |")
    return rows


def test_the_documented_timings_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "cycles.md").read_text()

    assert [line for line in page.splitlines() if line in timing_rows()] == timing_rows()


def test_the_documented_measurements_are_those_of_the_code() -> None:
    page = (ROOT / "docs" / "cycles.md").read_text()

    for each in MEASUREMENTS:
        row = f"{each.cycles / 1e6:.2f} M | {each.cycles_estimate / 1e6:.2f} M"
        assert f"| {row} | {each.percent / 100:.2f} |" in page, each


def test_the_calibrated_range_is_that_of_the_measured_engines() -> None:
    assert calibrated_range(1_000_000) == (1_240_000, 1_420_000)
