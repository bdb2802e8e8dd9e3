"""Four sums and four outputs in assembly equal the rule at the edges of what they may be given."""

from pathlib import Path

import numpy as np
import pytest
from models import KERNELS

from tinykit.core import fixedpoint
from tinykit.host.toolchain import Source

pytest.importorskip("unicorn")
import embedded

MOST_SUM = (1 << 30) - 1
SOURCE = """
#include "tk_quads.h"

int32_t sums[4], multipliers[4];
int8_t shifts[4], outputs[4], weights[4 * 64], column[64], values[36];
uint32_t inputs;
tk_output out = {.channels = 4, .plain = 1, .multiplier = multipliers, .shift = shifts};
tk_taps taps;

void finish(void);
void finish(void) { tk_finish_quad_s8(sums, &out, 0, outputs); }
void add(void);
void add(void) { tk_quad_sums_s8(weights, column, inputs, sums); }
void filter(void);
void filter(void) { tk_tap_sums_s8(&taps, values, weights, sums); }
"""
NAMES = ("tk_finish_quad_s8", "tk_quad_sums_s8", "tk_tap_sums_s8")


class Board:
    """Hold an emulated core that has the three functions."""

    def __init__(self, core: str, folder: Path) -> None:
        (folder / "quads.c").write_text(SOURCE)
        kernels = [p for name in NAMES for p in sorted(KERNELS.glob(f"{name}.[cS]"))]
        sources = [Source(folder / "quads.c"), *map(Source, kernels)]
        image = embedded.load(core, sources, "add", folder, "zig")
        self.machine, self.places = image.machine, image.places

    def write(self, name: str, values: object, dtype: str) -> None:
        self.machine.mem_write(self.places[name], np.asarray(values, dtype).tobytes())

    def run(self, name: str) -> None:
        embedded.call(self.machine, self.places[name] & ~1)

    def read(self, name: str, count: int, dtype: str) -> np.ndarray:
        size = count * np.dtype(dtype).itemsize
        return np.frombuffer(self.machine.mem_read(self.places[name], size), dtype)


@pytest.fixture(scope="module", params=["cortex_m0", "cortex_m3", "riscv32"])
def board(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Board:
    return Board(request.param, tmp_path_factory.mktemp("quads"))


def edges(rng: np.random.Generator) -> np.ndarray:
    """Return sums: the extremes, around every multiple of 2^15 that could carry, and any."""
    near = [k << 15 for k in (0, 1, -1, 2, -2, 3, 0x7FFF, -0x7FFF, 0x4000, -0x4000)]
    sums = [0, MOST_SUM, -MOST_SUM, *(n + d for n in near for d in (-2, -1, 0, 1, 2))]
    bits = rng.integers(1, 31, 150)
    sums += list(rng.integers(-(1 << bits), 1 << bits))
    return np.clip(np.array(sums, np.int64), -MOST_SUM, MOST_SUM)


def test_outputs_are_those_of_the_rule(board: Board) -> None:
    rng = np.random.default_rng(0)
    multipliers = [1 << 30, (1 << 30) + 1, (1 << 31) - 1, 0x7FFF0000, 0x4000FFFF, 0x5A82799A]
    sums = edges(rng)
    sums = np.resize(sums, -(-len(sums) // 4) * 4).reshape(-1, 4)
    for zero, low, high, scales in ((0, -128, 127, 4), (-128, -128, 127, 1), (127, -7, 99, 4)):
        head = np.array([4, scales], np.uint16).tobytes() + bytes(
            np.array([zero, low, high, 1], np.int8)
        )
        board.machine.mem_write(board.places["out"], head)
        for row in sums:
            multiplier = rng.choice(multipliers, 4).astype(np.int64)
            shift = -rng.integers(1, 23, 4)
            board.write("sums", row, "<i4")
            board.write("multipliers", multiplier, "<i4")
            board.write("shifts", shift, "i1")
            board.run("finish")
            each = np.arange(4) if scales == 4 else np.zeros(4, int)
            wanted = [
                fixedpoint.requantize(np.array([s]), multiplier[i], shift[i])[0] + zero
                for s, i in zip(row, each, strict=True)
            ]
            found = board.read("outputs", 4, "i1")
            assert found.tolist() == np.clip(wanted, low, high).tolist(), (row, multiplier, shift)


def test_sums_are_exact_for_any_number_of_inputs(board: Board) -> None:
    rng = np.random.default_rng(1)
    for count in (1, 2, 3, 4, 5, 6, 7, 8, 63, 64):
        weights = rng.integers(-128, 128, (4, count))
        column = rng.integers(-128, 128, count)
        start = rng.integers(-(1 << 29), 1 << 29, 4)
        if count == 64:
            weights[:], column[:] = -128, -128
        for name, values, dtype in (
            ("weights", weights, "i1"), ("column", column, "i1"),
            ("sums", start, "<i4"), ("inputs", count, "<u4"),
        ):  # fmt: skip
            board.write(name, values, dtype)
        board.run("add")
        assert board.read("sums", 4, "<i4").tolist() == (start + weights @ column).tolist()


@pytest.mark.parametrize(("rows", "columns"), [(1, 1), (1, 3), (3, 1), (2, 2), (3, 3)])
def test_filters_are_exact_for_any_zero_point(board: Board, rows: int, columns: int) -> None:
    rng = np.random.default_rng(rows * 4 + columns)
    for zero in (-128, -3, 0, 127):
        image = rng.integers(-128, 128, (3, 3, 4))
        weights = rng.integers(-128, 128, (3, 3, 4))
        start = rng.integers(-(1 << 29), 1 << 29, 4)
        gap = 4 * (3 - columns)
        base = board.places["values"], board.places["weights"]
        board.write("values", image, "i1")
        board.write("weights", weights, "i1")
        board.write("sums", start, "<i4")
        facts = np.array([*base, rows, columns, 4, gap, gap, 4, zero], np.int64)
        board.machine.mem_write(board.places["taps"], facts.astype("<u4").tobytes())
        board.run("filter")
        products = (image - zero)[:rows, :columns] * weights[:rows, :columns]
        assert board.read("sums", 4, "<i4").tolist() == (start + products.sum((0, 1))).tolist()
