"""Weights laid out for the DSP instructions of Armv7E-M and Armv8-M.

One instruction there widens bytes 0 and 2 of a word, and another bytes 1 and 3. So inputs go in
groups of four, a b c d, which widen to the pairs (a, c) and (b, d), and a word of weights holds
two rows of one pair, r0a r1a r0c r1c. Rows and inputs are filled up with zeros.

Where rows are joined, half of such a word is 256 * r1a + r0a as 16 bits, and needs no widening: it
sums up 256 times the odd row's sum and the even row's, from which the kernel takes the latter.
"""

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.layer import Table
from tinykit.codegen.ops.shared import Ints, Scaling
from tinykit.core import fixedpoint

GROUP = 4  # inputs
COLUMNS = 4  # output positions of a tile: TK_TILE_COLUMNS
OCTET = 8  # output positions of a sparse tile: TK_OCTET
_DENSE_ROWS = 4  # TK_ROWS
_SHIFT_BITS = 5  # TK_SHIFT_BITS
_LONGEST_STEP = 255
_MOST_ZEROS = 225  # that fill up what one position takes
_LEAST_SHIFT, _MOST_SHIFT = -22, -1
_MOST_SUM = _LEAST_MULTIPLIER = 1 << 30
_MOST_JOINED = 1 << 23  # a sum of an odd row: what is left of 32 bits
_JOINED = 256


def fits(rows: Ints, bias: Ints, scaling: Scaling) -> bool:
    """Tell whether the packed kernels compute these sums exactly.

    They double a sum, and add the zero point before they shift to the right: tk_finish_plain in
    firmware/kernels/tk_fixed.h. Every layer but odd ones fits.
    """
    worst = int((np.abs(rows).sum(axis=1) * 255 + np.abs(bias)).max())
    normal = bool((scaling.multiplier >= _LEAST_MULTIPLIER).all())
    return worst < _MOST_SUM and normal and bool(_in_range(scaling.shift).all())


def with_plain_constants(rows: Ints, bias: Ints, scaling: Scaling) -> tuple[Ints, Scaling]:
    """Return biases and scales in which channels without weights are no odd ones.

    Such a channel has one output whatever its input, and often a scale beyond reason. A bias of
    four times the output, less the zero point, and the factor 1/4 make the same.
    """
    odd = ~rows.any(axis=1) & ~_in_range(scaling.shift)
    if len(scaling.shift) != len(bias) or not odd.any():
        return bias, scaling
    outputs = scaling.apply(bias).astype(np.int64)
    bias = np.where(odd, 4 * (outputs - scaling.zero_point), bias)
    multiplier = np.where(odd, 1 << 30, scaling.multiplier)
    shift = np.where(odd, -1, scaling.shift)
    return bias, replace(scaling, multiplier=multiplier, shift=shift)


def _in_range(shifts: Ints) -> NDArray[np.bool_]:
    return np.asarray((shifts >= _LEAST_SHIFT) & (shifts <= _MOST_SHIFT))


def joins(rows: Ints, bias: Ints) -> bool:
    """Tell whether rows can be joined, with their folded biases: all but very long ones can."""
    even, odd = _filled(rows, 2)[0::2], _filled(rows, 2)[1::2]
    worst = 128 * np.abs(rows[1::2]).sum(axis=1) + np.abs(bias[1::2])
    borrows = (odd == np.iinfo(np.int8).min) & (even < 0)
    return not borrows.any() and int(worst.max(initial=0)) < _MOST_JOINED


def dense_table(rows: Ints, joined: bool) -> Table:
    """Lay weights of (outputs, inputs) out for tk_rows_s8: four rows, group after group."""
    words = _words(rows, _DENSE_ROWS, joined)
    pairs = words.reshape(-1, _DENSE_ROWS // 2, words.shape[1])
    return _table(pairs.transpose(0, 2, 1))


def whole_blocks(bias: Ints, joined: bool) -> Table:
    """Fill the folded biases of tk_rows_s8 up to whole blocks of rows."""
    filled = np.pad(_joined_bias(bias, joined), (0, -len(bias) % _DENSE_ROWS))
    return Table("bias", filled.astype(np.int32), "bias")


def tile_table(rows: Ints, run: int, filled: int, joined: bool) -> Table:
    """Lay weights of (outputs, inputs) out for tk_tile_s8: two rows, group after group.

    Args:
        rows: the weights.
        run: inputs of a row of the window.
        filled: as many as each is filled up to.
        joined: whether pairs of rows are.
    """
    return _table(_words(_widened(rows, run, filled), 2, joined))


def _widened(rows: Ints, run: int, filled: int) -> Ints:
    """Fill each row of the window up with zeros."""
    wider = np.zeros((len(rows), rows.shape[1] // run, filled), np.int64)
    wider[:, :, :run] = rows.reshape(len(rows), -1, run)
    return wider.reshape(len(rows), -1)


def filled_run(run: int, height: int, outputs: int) -> int:
    """Return what a row of a window is filled up to, so that it can be widened in place.

    Copying four windows costs about 250 cycles each, a weight that is zero 1.1 for each position.
    """
    filled = -(-run // GROUP) * GROUP
    extra = column_words(height * filled) - column_words(height * run)
    return filled if 2 * extra * outputs <= _MOST_ZEROS else run


def tile_records(bias: Ints, scaling: Scaling, joined: bool) -> Table:
    """Lay folded biases and scales out for tk_tile_s8: a record for each two rows."""
    outputs = len(bias)
    records = np.zeros((-(-outputs // 2), 5), np.uint32)
    for column, values in ((0, _joined_bias(bias, joined)), (2, 2 * scaling.multiplier)):
        of_rows = np.zeros(2 * len(records), np.int64)
        of_rows[:outputs] = values
        records[:, column : column + 2] = of_rows.astype(np.uint32).reshape(-1, 2)
    shifts = np.zeros((len(records), 4), np.int8)
    shifts[:, :2].flat[:outputs] = np.broadcast_to(-scaling.shift - 1, outputs)
    records[:, 4] = shifts.view("<u4").ravel()
    return Table("rows", records, "requantization")


def stream_table(rows: Ints) -> Table:
    """Lay the weights of (outputs, inputs) that are not zero out for tk_tile_sparse_s8.

    For each row pairs of bytes, steps to the next input and its weight, and a 0. A step too far for
    a byte stops at inputs between, whose weight is 0.
    """
    stream = bytearray()
    for row in rows.astype(np.int8):
        at = -1
        for place in np.flatnonzero(row).tolist():
            while place - at > _LONGEST_STEP:
                stream += bytes((_LONGEST_STEP, 0))
                at += _LONGEST_STEP
            stream += bytes((place - at, int(row[place]) & 0xFF))
            at = place
        stream.append(0)
    return Table("weights", np.frombuffer(bytes(stream), np.uint8), "weights")


def block_table(rows: Ints, run: int, filled: int) -> Table:
    """Lay the blocks of four inputs that are not zero out for tk_tile_blocks_s8, a byte each.

    For each row the steps to the next block and its weights, and a 0. A step too far for a byte
    stops at blocks between, whose weights are 0. Words are filled up with zeros.

    Args:
        rows: the weights, (outputs, inputs).
        run: inputs of a row of the window.
        filled: as many as each is filled up to, whole groups.
    """
    groups = _widened(rows, run, filled).astype(np.int8).reshape(len(rows), -1, GROUP)
    stream = bytearray()
    for row in groups:
        at = -1
        for place in np.flatnonzero(row.any(axis=1)).tolist():
            while place - at > _LONGEST_STEP:
                stream += bytes((_LONGEST_STEP, *[0] * GROUP))
                at += _LONGEST_STEP
            stream += bytes((place - at,)) + row[place].tobytes()
            at = place
        stream.append(0)
    stream += bytes(-len(stream) % 4)
    return _table(np.frombuffer(bytes(stream), "<u4").astype(np.uint32))


def count_blocks(stream: Table, rows: int) -> int:
    """Return how many blocks a table of so many rows holds."""
    return (stream.bytes - rows) // (1 + GROUP)


def row_records(bias: Ints, scaling: Scaling) -> Table:
    """Lay biases and scales out for tk_tile_sparse_s8: two words for each row."""
    first = (bias << _SHIFT_BITS) | np.broadcast_to(-scaling.shift - 1, bias.shape)
    words = np.stack([first, np.broadcast_to(2 * scaling.multiplier, bias.shape)], axis=1)
    return Table("rows", words.astype(np.uint32), "requantization")


def fits_records(bias: Ints) -> bool:
    """Tell whether folded biases leave room for a shift in their words."""
    return int(np.abs(bias).max()) < 1 << (31 - _SHIFT_BITS)


def column_words(inputs: int) -> int:
    """Return the words that a column of so many inputs takes as pairs."""
    return -(-inputs // GROUP) * GROUP // 2


def _filled(rows: Ints, block: int) -> NDArray[np.int8]:
    """Return rows filled up to multiples of `block`, and inputs to groups."""
    outputs, inputs = rows.shape
    filled = np.zeros((-(-outputs // block) * block, -(-inputs // GROUP) * GROUP), np.int8)
    filled[:outputs, :inputs] = rows
    return filled


def _words(rows: Ints, block: int, joined: bool) -> NDArray[np.uint32]:
    """Return (pairs of rows, pairs of inputs)."""
    filled = _filled(rows, block)
    if joined:
        filled[1::2] -= filled[0::2] < 0  # what an even row's sign takes from the byte above it
    # axes: pair of rows, row; group, half of a pair, pair
    split = filled.reshape(len(filled) // 2, 2, -1, 2, 2)
    ordered = np.ascontiguousarray(split.transpose(0, 2, 4, 3, 1))
    return ordered.reshape(len(filled) // 2, -1).view("<u4").astype(np.uint32)


def _joined_bias(bias: Ints, joined: bool) -> Ints:
    """Return what the sums of both rows of a pair begin with, in 32 bits that wrap around."""
    if not joined:
        return bias
    pairs = np.pad(bias, (0, len(bias) % 2)).reshape(-1, 2)
    odd = fixedpoint.wrap32(pairs[:, 0] + _JOINED * pairs[:, 1])
    return np.asarray(np.stack([pairs[:, 0], odd], axis=1).ravel()[: len(bias)], np.int64)


def _table(words: NDArray[np.uint32]) -> Table:
    return Table("weights", np.ascontiguousarray(words), "weights")
