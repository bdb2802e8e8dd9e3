"""Weights laid out for DSP kernels decode to the weights, read as the assembly reads them."""

import itertools

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from tinykit.codegen import packed
from tinykit.codegen.ops.shared import Scaling
from tinykit.codegen.ops.width import INT8

PROFILE = settings(derandomize=True, deadline=None, database=None)
Ints = NDArray[np.int64]
MOST_BIAS = (1 << 26) - 1


@st.composite
def matrices(draw: st.DrawFn) -> Ints:
    shape = (draw(st.integers(1, 9)), draw(st.sampled_from((1, 3, 4, 7, 8, 30, 255, 256, 700))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.integers(-128, 128, shape)
    rows[rng.random(shape) < draw(st.sampled_from((0.0, 0.5, 0.9, 0.999, 1.0)))] = 0
    return rows


@st.composite
def scalings(draw: st.DrawFn, outputs: int) -> Scaling:
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    count = draw(st.sampled_from((1, outputs)))
    multiplier = rng.integers(1 << 30, 1 << 31, count)
    return Scaling(INT8, multiplier, -rng.integers(1, 23, count), 0, -128, 127)


def widened(word: int) -> tuple[int, int]:
    """SXTB16: bytes 0 and 2 with their signs."""
    low, _, high, _ = np.array([word], "<u4").view(np.int8).tolist()
    return low, high


def rotated(word: int) -> int:
    """ROR #8."""
    return word >> 8 | (word & 0xFF) << 24


def pair_of_rows(words: list[int], joined: bool) -> list[list[int]]:
    """Return the two rows of words for inputs a c, b d, a c, .. as the kernels multiply them."""
    rows: list[list[int]] = [[], []]
    for first, second in zip(words[::2], words[1::2], strict=True):
        ac, bd = ((parted if joined else apart)(word) for word in (first, second))
        for row in (0, 1):
            rows[row] += [ac[0][row], bd[0][row], ac[1][row], bd[1][row]]
    return rows


def apart(word: int) -> list[tuple[int, int]]:
    """Return the weights of both rows for each of two inputs, a byte each."""
    return list(zip(widened(word), widened(rotated(word)), strict=True))


def parted(word: int) -> list[tuple[int, int]]:
    """Return the same of half-words that are 256 * the odd row's weight + the even row's."""
    halves = np.array([word], "<u4").view("<i2").astype(np.int64)
    even = halves.astype(np.int8).astype(np.int64)
    return list(zip(even.tolist(), ((halves - even) // 256).tolist(), strict=True))


def ways(rows: Ints) -> list[bool]:
    """Return how rows may be laid out: joined or not."""
    return [False, True] if packed.joins(rows, np.zeros(len(rows), np.int64)) else [False]


@PROFILE
@given(matrices())
def test_rows_of_four(rows: Ints) -> None:
    outputs, inputs = rows.shape
    for joined in ways(rows):
        table = packed.dense_table(rows, joined).values
        found = []
        for block in table.reshape(-(-outputs // 4), -1, 2):  # of rows 0 1 and 2 3 in turn
            for pair in (0, 1):
                found += pair_of_rows(block[:, pair].tolist(), joined)
        assert np.array_equal(np.array(found)[:outputs, :inputs], rows)
        assert not np.array(found)[outputs:].any() and not np.array(found)[:, inputs:].any()


@PROFILE
@given(matrices(), st.integers(1, 3))
def test_tiles(rows: Ints, height: int) -> None:
    whole = np.tile(rows, height)
    outputs, run = rows.shape
    for filled, joined in itertools.product((run, -(-run // 4) * 4), ways(whole)):
        table = packed.tile_table(whole, run, filled, joined).values
        pairs = table.reshape(-(-outputs // 2), -1).tolist()
        found = np.array([row for pair in pairs for row in pair_of_rows(pair, joined)])
        lines = found[:outputs, : height * filled].reshape(outputs, height, filled)
        assert np.array_equal(lines[:, :, :run].reshape(outputs, -1), whole)
        assert not lines[:, :, run:].any() and not found[outputs:].any()
        assert not found[:, height * filled :].any()


@PROFILE
@given(matrices(), st.data(), st.booleans())
def test_records_of_two_rows(rows: Ints, data: st.DataObject, joined: bool) -> None:
    outputs = len(rows)
    bias, scaling = rows[:, 0] * 4000, data.draw(scalings(outputs))
    records = packed.tile_records(bias, scaling, joined).values
    found = records[:, :2].astype(np.uint32).view(np.int32).astype(np.int64)
    if joined:
        found[:, 1] = (found[:, 1] - found[:, 0]) // 256
    assert found.ravel()[:outputs].tolist() == bias.tolist()
    multipliers = records[:, 2:4].ravel()[:outputs]
    assert multipliers.tolist() == (2 * scaling.multiplier + 0 * bias).tolist()
    shifts = np.ascontiguousarray(records[:, 4]).view(np.int8).reshape(-1, 4)[:, :2].ravel()
    assert shifts[:outputs].tolist() == (-scaling.shift - 1 + 0 * bias).tolist()


@PROFILE
@given(matrices())
def test_streams(rows: Ints) -> None:
    found, stream, at = np.zeros_like(rows), packed.stream_table(rows).values.tolist(), 0
    for row in found:
        place = -1
        while stream[at]:
            place += stream[at]
            assert row[place] == 0
            row[place] = np.array([stream[at + 1]], np.uint8).view(np.int8)[0]
            at += 2
        at += 1
    assert at == len(stream)
    assert np.array_equal(found, rows)


@PROFILE
@given(matrices(), st.data())
def test_records_of_a_row(rows: Ints, data: st.DataObject) -> None:
    rng = np.random.default_rng(len(rows))
    bias = rng.integers(-MOST_BIAS, MOST_BIAS + 1, len(rows))
    bias[0] = -MOST_BIAS
    scaling = data.draw(scalings(len(rows)))
    assert packed.fits_records(bias) and not packed.fits_records(bias * 2)
    first, second = packed.row_records(bias, scaling).values.T
    signed = np.ascontiguousarray(first).view(np.int32)
    assert (signed >> 5).tolist() == bias.tolist()
    assert (first & 31).tolist() == (-scaling.shift - 1 + 0 * bias).tolist()
    assert second.tolist() == (2 * scaling.multiplier + 0 * bias).tolist()


@PROFILE
@given(matrices(), st.integers(1, 3))
def test_blocks(rows: Ints, height: int) -> None:
    outputs, run = rows.shape
    whole, filled = np.tile(rows, height), run + -run % 4
    table = packed.block_table(whole, run, filled)
    stream, at, blocks = table.values.view(np.uint8).tolist(), 0, 0
    found = np.zeros((outputs, height * filled // 4, 4), np.int64)
    for row in found:
        place = -1
        while stream[at]:
            place += stream[at]
            assert not row[place].any()
            row[place] = np.array(stream[at + 1 : at + 5], np.uint8).view(np.int8)
            at, blocks = at + 5, blocks + 1
        at += 1
    assert not any(stream[at:]) and len(stream) - at < 4
    assert packed.count_blocks(table, outputs) == blocks
    lines = found.reshape(outputs, height, filled)
    assert np.array_equal(lines[:, :, :run].reshape(outputs, -1), whole)
    assert not lines[:, :, run:].any()
