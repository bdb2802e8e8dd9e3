"""Layers with dense weights on a core with DSP instructions."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen import packed, work
from tinykit.codegen.access import Steps, copied_first, copied_in_tiles
from tinykit.codegen.encode import Encoded
from tinykit.codegen.layer import Layer, LowerOptions, Table
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.product import Product, summary_of
from tinykit.codegen.ops.shared import Window
from tinykit.codegen.ops.width import INT8
from tinykit.codegen.work import CODEBOOK_WORD
from tinykit.core.graph import Operator

_ALIGNMENT = 4
_TILE_ONLY = ("pairs", "run")  # members of tk_conv_packed_layer that sparse weights do not need
_PAIRS_BYTES = 1024  # of a table; it has to serve as many weights, and is made in the time of 400
_MOST_POSITIONS = (1 << 16) - 1  # of a row, in tk_window


def prepared(product: Product) -> Product:
    """Mark a product as plain if it is, after channels without weights have become plain."""
    if product.scaling.width != INT8:
        return product
    bias, scaling = packed.with_plain_constants(product.rows, product.bias, product.scaling)
    if not packed.fits(product.rows, bias, scaling):
        return product
    return replace(product, bias=bias, scaling=scaling, plain=True)


def chosen(product: Product, encoded: Encoded, options: LowerOptions) -> bool:
    """Tell whether a prepared product's kernel is one of these."""
    return options.dsp and product.plain and encoded.encoding == "dense"


def lower_dense(operator: Operator, product: Product, encoded: Encoded) -> Layer:
    """Lower FULLY_CONNECTED at one position."""
    outputs, inputs = product.rows.shape
    assert operator.inputs[0] is not None
    name = operator.name
    bias = product.folded_bias()
    joined = packed.joins(product.rows, bias)
    return Layer(
        name=name,
        kind=operator.kind,
        summary=summary_of(
            f"dense {inputs} -> {outputs}",
            shared.activation_name(operator.attributes.activation),
            encoded,
        ),
        kernel="tk_dense_packed_s8" if joined else "tk_dense_large_s8",
        record="tk_dense_packed_layer",
        fields=(
            ("inputs", inputs),
            ("weights", f"{name}_weights"),
            ("bias", f"{name}_bias"),
            shared.scaling_fields(product.scaling, name, outputs, product.plain),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=(
            packed.dense_table(product.rows, joined),
            packed.whole_blocks(bias, joined),
            *shared.scaling_tables(product.scaling),
        ),
        takes_scratch=True,
        scratch_bytes=0 if inputs % packed.GROUP == 0 else inputs + -inputs % packed.GROUP,
        macs=inputs * outputs,
        encoding=encoded.encoding,
        work=work.dense_rows(product.rows, product.clipped),
    )


def lower_sparse_convolution(
    operator: Operator, product: Product, view: Window, channels: int, encoded: Encoded
) -> Layer:
    """Lower a sparse product that is taken at every position of an image."""
    layer = lower_convolution(operator, product, view, channels, encoded)
    outputs, taps = product.rows.shape
    stream = packed.stream_table(product.rows)
    weights = (stream.bytes - outputs) // 2
    return replace(
        layer,
        kernel="tk_conv_sparse_tile_s8",
        record="tk_conv_sparse_tile_layer",
        fields=tuple(field for field in layer.fields if field[0] not in _TILE_ONLY),
        tables=(
            stream,
            packed.row_records(product.folded_bias(), product.scaling),
        ),
        scratch_bytes=packed.OCTET * taps + packed.COLUMNS * gathered_bytes(view, channels),
        access=(copied_in_tiles(view.steps(channels, outputs), packed.OCTET),),
        work=work.sparse_tiles(view, product.rows, weights, channels, product.clipped),
    )


def lower_bitmap_convolution(
    operator: Operator, product: Product, view: Window, channels: int, encoded: Encoded
) -> Layer:
    """Lower a product with a bit for each weight, at every position of an image."""
    layer = lower_sparse_convolution(operator, product, view, channels, encoded)
    rows = packed.row_records(product.folded_bias(), product.scaling)
    weights = int(np.count_nonzero(product.rows))
    amount = work.sparse_tiles(view, product.rows, weights, channels, product.clipped)
    words = -(-product.rows.shape[1] // work.BITMAP_WORD)
    return replace(
        layer,
        kernel="tk_conv_bitmap_tile_s8",
        record="tk_conv_bitmap_tile_layer",
        fields=(*encoded.fields(operator.name), *(f for f in layer.fields if f[0] != "weights")),
        tables=(*encoded.tables, rows),
        work=amount | {"octet words": amount["octet outputs"] * words},
    )


def lower_block_convolution(
    operator: Operator, product: Product, view: Window, channels: int, encoded: Encoded
) -> Layer:
    """Lower a product whose weights are blocks of four inputs, at every position of an image."""
    layer = lower_convolution(operator, product, view, channels, encoded)
    view = _one_row(view)
    run = view.kernel[1] * channels
    filled = run + -run % packed.GROUP
    pairs = packed.column_words(view.kernel[0] * filled)
    stream = packed.block_table(product.rows, run, filled)
    blocks = packed.count_blocks(stream, len(product.rows))
    sizes = {"pairs": pairs, "run": filled}
    return replace(
        layer,
        kernel="tk_conv_block_tile_s8",
        fields=tuple((name, sizes.get(name, value)) for name, value in layer.fields),
        tables=(stream, packed.row_records(product.folded_bias(), product.scaling)),
        scratch_bytes=4 * packed.COLUMNS * pairs + _copied_bytes(view, run, 2 * pairs),
        work=work.block_tiles(view, product.rows, channels, filled, blocks, product.clipped),
    )


def by_pairs(layer: Layer, product: Product) -> Layer:
    """Let FULLY_CONNECTED look two weights of a codebook up at a time, where that pays."""
    outputs, inputs = product.rows.shape
    books = len(_values(layer.tables))
    if not product.plain or books * _PAIRS_BYTES > inputs * outputs:
        return layer
    at_once = Steps(np.zeros(1, np.int64), np.full(1, inputs), outputs)
    return replace(
        layer,
        kernel="tk_codebook_pairs_s8",
        takes_scratch=True,
        scratch_bytes=_PAIRS_BYTES + 2 * (inputs + -inputs % CODEBOOK_WORD),
        scratch_alignment=_ALIGNMENT,
        access=(copied_first(at_once),),
        work=work.codebook_pairs(product.rows, books, product.clipped),
    )


def has_tiles(product: Product, encoded: Encoded) -> bool:
    """Tell whether inputs that fill columns up meet weights that are zero."""
    whole = product.rows.shape[1] % CODEBOOK_WORD == 0
    return whole or bool((_values(encoded.tables) == 0).any(axis=1).all())


def lower_codebook_convolution(
    operator: Operator, product: Product, view: Window, channels: int, encoded: Encoded
) -> Layer:
    """Lower a product with weights of four bits, at every position of an image."""
    layer = lower_convolution(operator, product, view, channels, encoded)
    view = _one_row(view)
    name, taps = operator.name, product.rows.shape[1]
    run, filled = view.kernel[1] * channels, taps + -taps % CODEBOOK_WORD
    ours: dict[str, int | str] = {
        "pairs": packed.column_words(taps),
        "run": run,
        "weights": f"{name}_codes",
    }
    return replace(
        layer,
        kernel="tk_conv_codebook_tile_s8",
        record="tk_conv_codebook_tile_layer",
        fields=(
            ("books", f"{name}_books"),
            ("values", f"{name}_values"),
            ("packed", tuple((name, ours.get(name, value)) for name, value in layer.fields)),
        ),
        tables=(*encoded.tables, packed.row_records(product.folded_bias(), product.scaling)),
        scratch_bytes=2 * packed.COLUMNS * filled + _single_bytes(view, run, filled),
        work=work.codebook_tiles(view, product.rows, channels, product.clipped),
    )


def _values(tables: Sequence[Table]) -> NDArray[Any]:
    """Return the books of a codebook's tables."""
    return next(table.values for table in tables if table.name == "values")


def gathered_bytes(view: Window, channels: int) -> int:
    """Return the bytes that a row of the window is gathered in, where it is not read in place."""
    in_place = view.dilation[1] == 1 and all(map(view.stays_inside, (0, 1)))
    return 0 if in_place else view.kernel[1] * channels


def lower_convolution(
    operator: Operator, product: Product, view: Window, channels: int, encoded: Encoded
) -> Layer:
    """Lower a product that is taken at every position of an image."""
    view = _one_row(view)
    outputs, taps = product.rows.shape
    assert operator.inputs[0] is not None
    name, scaling = operator.name, product.scaling
    run = view.kernel[1] * channels
    filled = packed.filled_run(run, view.kernel[0], outputs)
    pairs = packed.column_words(view.kernel[0] * filled)
    bias = product.folded_bias()
    joined = packed.joins(product.rows, bias)
    shape = f"{view.kernel[0]}x{view.kernel[1]} convolution {channels} -> {outputs}"
    return Layer(
        name=name,
        kind=operator.kind,
        summary=summary_of(shape, shared.activation_name(operator.attributes.activation), encoded),
        kernel="tk_conv_packed_s8" if joined else "tk_conv_large_s8",
        record="tk_conv_packed_layer",
        fields=(
            ("pad_value", product.input_zero_point),
            ("pairs", pairs),
            ("run", filled),
            ("weights", f"{name}_weights"),
            ("rows", f"{name}_rows"),
            view.field(channels),
            (
                "out",
                (
                    ("channels", outputs),
                    ("zero", scaling.zero_point),
                    ("min", scaling.low),
                    ("max", scaling.high),
                ),
            ),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=(
            packed.tile_table(product.rows, run, filled, joined),
            packed.tile_records(bias, scaling, joined),
        ),
        takes_scratch=True,
        scratch_bytes=4 * packed.COLUMNS * pairs + _copied_bytes(view, run, 2 * pairs),
        scratch_alignment=_ALIGNMENT,
        access=(copied_in_tiles(view.steps(channels, outputs), packed.COLUMNS),),
        macs=view.output[0] * view.output[1] * outputs * taps,
        encoding=encoded.encoding,
        work=work.dense_tiles(view, product.rows, channels, filled, product.clipped),
    )


def _one_row(view: Window) -> Window:
    """Take all positions of a 1x1 window for one row, so that a tile may go from row to row."""
    positions = view.output[0] * view.output[1]
    same = (view.kernel, view.stride, view.pad) == ((1, 1), (1, 1), (0, 0))
    if not same or view.image != view.output or positions > _MOST_POSITIONS:
        return view
    return replace(view, image=(1, positions), output=(1, positions))


def _copied_bytes(view: Window, run: int, window_bytes: int) -> int:
    """Return the bytes that a window is copied to, where it is not read in place."""
    whole = run % packed.GROUP == 0 and not gathered_bytes(view, run)
    if whole and view.output[1] % packed.COLUMNS == 0:
        return 0
    return _single_bytes(view, run, window_bytes)


def _single_bytes(view: Window, run: int, window_bytes: int) -> int:
    """Return the same where columns are filled one by one."""
    whole = run % packed.GROUP == 0 and not gathered_bytes(view, run)
    return 0 if whole and view.kernel == (1, 1) else window_bytes
