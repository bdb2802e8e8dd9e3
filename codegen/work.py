"""How much a kernel has to do for a layer, counted in what its instructions grow with.

codegen/counts.toml holds how many instructions each of these takes in a kernel, for all that read
weights of some encoding; tests/counting.py counts them.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen import packed
from tinykit.codegen.ops.shared import Ints, Window, positions

Work = dict[str, float]
Matrix = NDArray[np.signedinteger[Any]]
SEGMENT = 255  # inputs that a sparse row counts together: TK_SPARSE_SEGMENT
BLOCK = 4  # inputs: TK_BLOCK
BITMAP_WORD = 32  # inputs in a word: TK_BITMAP_WORD
CODEBOOK_WORD = 8  # inputs in a word: TK_CODEBOOK_WORD
_QUAD = 4  # outputs: TK_QUAD
_UNROLLED = 4  # turns of a loop in C, by compilers
_TURN = 16  # weights that tk_sparse_rows_s8 takes in one
_BLOCK_TURN = 4  # blocks that tk_block_rows_s8 takes in one


def summed(parts: Sequence[Work]) -> Work:
    """Add work up."""
    names = dict.fromkeys(name for part in parts for name in part)
    return {name: sum(part.get(name, 0) for part in parts) for name in names}


def lstm(rows: Sequence[Matrix], steps: int, units: int, sparse: bool) -> Work:
    """Count an LSTM, given the rows of all its matrices."""
    work: Work = {"calls": 1, "steps": steps, "units": steps * units}
    if sparse:
        weights = [_in_segments(row) for row in rows]
        work["segments"] = steps * sum(part.size for part in weights)
        work["weights"] = steps * sum(int(part.sum()) for part in weights)
    else:
        work["inputs"] = steps * sum(row.size for row in rows[::2])
        work["recurrent"] = steps * sum(row.size for row in rows[1::2])
        work["rest"] = steps * sum(row.size % _UNROLLED for row in rows)
    return work


def dense_product(rows: Ints, times: int, plain: bool) -> Work:
    """Count a product that is taken so many times on a core without DSP instructions."""
    outputs, inputs = rows.shape
    quads = -(-outputs // _QUAD) if outputs >= _QUAD else 0
    single = 0 if quads else outputs
    return {
        "calls": 1,
        "products": times,
        "quads": times * quads if plain else 0,
        "odd quads": 0 if plain else times * quads,
        "quad sums": times * quads if inputs else 0,
        "quad inputs": times * quads * inputs,
        "outputs": times * single,
        "inputs": times * single * inputs,
    }


def wide_product(rows: Ints, times: int) -> Work:
    """Count a dense product of int16 values."""
    outputs, inputs = rows.shape
    return {
        "calls": 1,
        "products": times,
        "outputs": times * outputs,
        "inputs": times * outputs * inputs,
    }


def _finished(outputs: int, times: int, plain: bool) -> Work:
    """Count what products of one output at a time have in common, however weights are stored."""
    return {
        "calls": 1,
        "products": times,
        "outputs": times * outputs if plain else 0,
        "odd outputs": 0 if plain else times * outputs,
    }


def sparse_product(rows: Ints, times: int, plain: bool) -> Work:
    """Count a sparse product on a core without DSP instructions."""
    outputs, weights = len(rows), _in_segments(rows)
    return {
        **_finished(outputs, times, plain),
        "segments": times * weights.size,
        "filled": times * int(np.count_nonzero(weights)),
        "weights": times * int(weights.sum()),
        "rest": times * int((weights % _UNROLLED).sum()),
        "turning": times * int((weights >= _UNROLLED).sum()),
    }


def block_product(rows: Ints, times: int, plain: bool) -> Work:
    """Count a product with weights in blocks on a core without DSP instructions."""
    blocks = _in_segments(_blocks(rows))
    return {
        **_finished(len(rows), times, plain),
        "segments": times * blocks.size,
        "filled": times * int(np.count_nonzero(blocks)),
        "blocks": times * int(blocks.sum()),
    }


def bitmap_product(rows: Ints, times: int, plain: bool) -> Work:
    """Count a product with a bit for each weight; kernels without CLZ look at eight at a time."""
    outputs = len(rows)
    filled = np.pad(rows != 0, ((0, 0), (0, -rows.shape[1] % BITMAP_WORD)))
    octets = filled.reshape(outputs, -1, BITMAP_WORD // 8, 8).any(axis=3)
    last = np.max(octets * np.arange(1, BITMAP_WORD // 8 + 1), axis=2)
    return {
        **_finished(outputs, times, plain),
        "words": times * last.size,
        "filled": times * int(np.count_nonzero(last)),
        "octets": times * int(last.sum()),
        "filled octets": times * int(octets.sum()),
        "weights": times * int(filled.sum()),
    }


def codebook_product(rows: Ints, times: int, plain: bool) -> Work:
    """Count a product with weights of four bits without DSP instructions."""
    outputs, inputs = rows.shape
    words, rest = divmod(inputs, CODEBOOK_WORD)
    return {
        **_finished(outputs, times, plain),
        "words": times * outputs * words,
        "ends": times * outputs if rest else 0,
        "rest": times * outputs * rest,
    }


def codebook_pairs(rows: Ints, books: int, clipped: bool) -> Work:
    """Count FULLY_CONNECTED with weights of four bits and DSP instructions."""
    outputs, inputs = rows.shape
    words = -(-inputs // CODEBOOK_WORD)
    return {
        "calls": 1,
        "outputs": outputs,
        "books": books,
        "waiting": books * outputs,
        "words": outputs * words,
        "widened": words,
        "clipped": outputs if clipped else 0,
    }


def dense_rows(rows: Ints, clipped: bool) -> Work:
    """Count FULLY_CONNECTED with dense weights and DSP instructions."""
    outputs, inputs = rows.shape
    blocks, groups = -(-outputs // _QUAD), -(-inputs // packed.GROUP)
    return {
        "calls": 1,
        "blocks": blocks,
        "groups": blocks * groups,
        "turns": blocks * -(-groups // 2),
        "outputs": outputs,
        "copied": packed.GROUP * groups if inputs % packed.GROUP else 0,
        "clipped": outputs if clipped else 0,
    }


def sparse_rows(rows: Ints, scales: int, clipped: bool) -> Work:
    """Count FULLY_CONNECTED with sparse weights and DSP instructions."""
    outputs = len(rows)
    weights = _in_segments(rows)
    return {
        "calls": 1,
        "outputs": outputs,
        "scales": outputs if scales > 1 else 0,
        "segments": weights.size,
        "turns": int((weights // _TURN).sum()),
        "weights": int(weights.sum()),
        "clipped": outputs if clipped else 0,
    }


def block_rows(rows: Ints, clipped: bool) -> Work:
    """Count FULLY_CONNECTED with weights in blocks and DSP instructions."""
    outputs = len(rows)
    blocks = _in_segments(_blocks(rows))
    return {
        "calls": 1,
        "outputs": outputs,
        "segments": blocks.size,
        "turns": int((blocks // _BLOCK_TURN).sum()),
        "blocks": int(blocks.sum()),
        "clipped": outputs if clipped else 0,
    }


def _blocks(rows: Ints) -> Ints:
    """Return for each block of a row whether it has weights."""
    return np.asarray(rows.reshape(len(rows), -1, BLOCK).any(axis=2), np.int64)


def _in_segments(rows: Matrix) -> NDArray[np.int64]:
    """Return how many weights are not zero, (outputs, segments)."""
    filled = np.pad(rows, ((0, 0), (0, -rows.shape[1] % SEGMENT)))
    return np.asarray(np.count_nonzero(filled.reshape(len(rows), -1, SEGMENT), axis=2), np.int64)


def windows(view: Window, channels: int) -> Work:
    """Count what gathering a window costs at every position."""
    if view.kernel == (1, 1) and view.pad == (0, 0):
        return {}
    count = view.output[0] * view.output[1]
    outside = [
        np.sum((taps < 0) | (taps >= view.image[axis]), axis=1)
        for axis, taps in enumerate(positions(view, axis) for axis in range(2))
    ]
    inside = [view.kernel[axis] - outside[axis] for axis in range(2)]
    taps, copied = count * view.kernel[0] * view.kernel[1], _crossings(*inside)
    return {
        "windows": count,
        "window lines": int(inside[0].sum()) * view.output[1],
        "window taps": copied if view.dilation[1] > 1 else 0,
        "window bytes": copied * channels,
        "outside": crossed(*outside),
        "outside bytes": (taps - copied) * channels,
    }


def _crossings(rows: Ints, columns: Ints) -> int:
    return int(rows.sum() * columns.sum())


def crossed(rows: Ints, columns: Ints) -> int:
    """Return how many rows and columns of a window lie outside, at all positions together."""
    return int(rows.sum()) * len(columns) + int(columns.sum()) * len(rows)


def group_windows(view: Window, channels: int, groups: int) -> Work:
    """Count what gathering the channels of each group costs at every position."""
    count = groups * view.output[0] * view.output[1]
    taps = count * view.kernel[0] * view.kernel[1]
    return {
        "windows": count,
        "window lines": count * view.kernel[0],
        "window taps": taps,
        "window bytes": taps * channels // groups,
    }


def dense_tiles(view: Window, rows: Ints, channels: int, filled: int, clipped: bool) -> Work:
    """Count a convolution with dense weights and DSP instructions: tk_conv_packed_s8.c."""
    pairs, words = -(-len(rows) // 2), packed.column_words(view.kernel[0] * filled)
    work = _columns(view, channels, filled)
    tiles = work["tiles"]
    work |= {"tile pairs": tiles * pairs, "tile words": tiles * pairs * words}
    return work | {"clipped": packed.COLUMNS * tiles * len(rows) if clipped else 0}


def block_tiles(
    view: Window, rows: Ints, channels: int, filled: int, blocks: int, clipped: bool
) -> Work:
    """Count a convolution with weights in so many blocks: tk_conv_block_tile_s8.c."""
    work = _columns(view, channels, filled)
    tiles = work["tiles"]
    work |= {"tile outputs": tiles * len(rows), "tile blocks": tiles * blocks}
    return work | {"clipped": packed.COLUMNS * tiles * len(rows) if clipped else 0}


def codebook_tiles(view: Window, rows: Ints, channels: int, clipped: bool) -> Work:
    """Count a convolution with weights of four bits: tk_conv_codebook_tile_s8.c."""
    outputs, taps = rows.shape
    inside, _ = _tiles(view, packed.COLUMNS)
    tiles, words = len(inside), -(-taps // CODEBOOK_WORD)
    return {
        "calls": 1,
        "tiles": tiles,
        **_single_columns(view, channels, packed.column_words(taps), inside),
        "tile outputs": tiles * outputs,
        "tile words": tiles * outputs * words,
        "clipped": packed.COLUMNS * tiles * outputs if clipped else 0,
    }


def _columns(view: Window, channels: int, filled: int) -> Work:
    """Count what filling the columns of all tiles of four positions takes."""
    words = packed.column_words(view.kernel[0] * filled)
    inside, in_row = _tiles(view, packed.COLUMNS)
    wide = inside.all(axis=1) & in_row & _readable(view, channels, filled)
    widened = int(wide.sum())
    return {
        "calls": 1,
        "tiles": len(inside),
        "widened": widened,
        "widened lines": widened * view.kernel[0],
        "widened words": widened * words,
        **_single_columns(view, channels, words, inside[~wide]),
    }


def _single_columns(view: Window, channels: int, words: int, inside: NDArray[np.bool_]) -> Work:
    """Count what filling columns of so many words one by one takes: tk_tile_fill_column."""
    height, run = view.kernel[0], view.kernel[1] * channels
    in_place = view.kernel == (1, 1) and run % packed.GROUP == 0
    copied = 0 if in_place else int(inside.sum())
    edges = inside.size - int(inside.sum())
    return {
        "filled": inside.size,
        "filled words": inside.size * words,
        "copied": copied,
        "copied lines": copied * height,
        "copied bytes": copied * height * run,
        "copied rest": copied * height * (run % packed.GROUP),
        "edges": edges,
        "edge lines": edges * height,
        "edge bytes": edges * height * run,
    }


def sparse_tiles(view: Window, rows: Ints, weights: int, channels: int, clipped: bool) -> Work:
    """Count a convolution with sparse weights and DSP instructions: tk_conv_sparse_tile_s8.c.

    Args:
        view: the geometry.
        rows: the weights.
        weights: how many are stored.
        channels: of the image.
        clipped: there is a fused activation.
    """
    outputs, taps = rows.shape
    height, run = view.kernel[0], view.kernel[1] * channels
    inside, _ = _tiles(view, packed.OCTET)
    octets, edges = len(inside), inside.size - int(inside.sum())
    return {
        "calls": 1,
        "octets": octets,
        "octet outputs": octets * outputs,
        "octet weights": octets * weights,
        "octet lines": octets * height,
        "octet inputs": octets * taps,
        "octet rest": octets * height * (run % packed.GROUP),
        "edges": edges,
        "edge lines": edges * height,
        "edge bytes": edges * taps,
        "clipped": packed.OCTET * octets * outputs if clipped else 0,
    }


def _readable(view: Window, channels: int, filled: int) -> NDArray[np.bool_]:
    """Tell for each tile of four whether it could be widened in place: widen_row."""
    first = np.arange(0, view.output[0] * view.output[1], packed.COLUMNS)
    y, x = np.divmod(first, view.output[1])
    if filled % packed.GROUP:
        return np.zeros(len(first), np.bool_)
    if filled == view.kernel[1] * channels:
        return np.ones(len(first), np.bool_)
    # what is read behind a row of the window must lie in the image too
    line = view.image[1] * channels
    start = (y * view.stride[0] - view.pad[0]) * line
    start += (x * view.stride[1] - view.pad[1]) * channels
    reach = (packed.COLUMNS - 1) * view.stride[1] * channels
    reach += (view.kernel[0] - 1) * view.dilation[0] * line + filled
    return np.asarray(start + reach <= view.image[0] * line, np.bool_)


def _inside(view: Window) -> NDArray[np.bool_]:
    """Tell for each output position whether its window is read in place: tk_view_at."""
    rows, columns = (_fits(view, axis) for axis in range(2))
    return np.outer(rows, columns & (view.dilation[1] == 1))


def _fits(view: Window, axis: int) -> NDArray[np.bool_]:
    """Tell for each output along an axis whether its window stays inside of the image."""
    taps = positions(view, axis)
    return np.asarray(((taps >= 0) & (taps < view.image[axis])).all(axis=1), np.bool_)


def _tiles(view: Window, size: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    """Return for each tile which positions lie inside, and whether all are of one row.

    A last tile that is not full takes the last position again.
    """
    count = view.output[0] * view.output[1]
    places = np.minimum(np.arange(-(-count // size) * size), count - 1).reshape(-1, size)
    first = places[:, 0] % view.output[1]
    return _inside(view).ravel()[places], first + size <= view.output[1]
