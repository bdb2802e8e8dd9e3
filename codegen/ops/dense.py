"""FULLY_CONNECTED: a matrix times a vector."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import tflite

from tinykit.codegen import work
from tinykit.codegen.access import Access, Steps, by_fours, copied_first, read_while_writing
from tinykit.codegen.compact import compact
from tinykit.codegen.encode import Encoded, as_blocks, choose
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import packed, shared
from tinykit.codegen.ops.product import Product, padding, summary_of
from tinykit.codegen.ops.shared import Window
from tinykit.codegen.ops.width import INT8, refuse_other_activations, width_of
from tinykit.codegen.packed import fits_records
from tinykit.core.graph import Graph, Operator

_MOST_APART = 0.02  # output steps
_TILED = {
    "bitmap": packed.lower_bitmap_convolution,
    "block": packed.lower_block_convolution,
    "codebook": packed.lower_codebook_convolution,
    "sparse": packed.lower_sparse_convolution,
}
_PLAIN: dict[str, Callable[[Product], work.Work]] = {
    "block": lambda product: work.block_rows(product.rows, product.clipped),
    "sparse": lambda product: work.sparse_rows(
        product.rows, len(product.scaling.shift), product.clipped
    ),
}
_ONE_SCALE = "quantize its weights with one scale, or to int8"


@dataclass(frozen=True, slots=True)
class Dense:
    """Attributes of FULLY_CONNECTED; `bias_type` is the schema's."""

    activation: int
    weights_format: int
    bias_type: int = field(default=0, compare=False)


def _read(options: Any) -> Dense:
    if options is None:
        return Dense(tflite.ActivationFunctionType.NONE, 0)
    return Dense(
        options.FusedActivationFunction(), options.WeightsFormat(), options.QuantizedBiasType()
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2, 3))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    refuse_other_activations(source, target)
    weights = graph.tensor(operator.inputs[1])
    if len(weights.shape) != 2:
        raise RefusedError(f"has weights of shape {weights.shape}", shared.QUANTIZE)
    outputs, inputs = weights.shape
    shared.refuse_bad_weights(graph, operator, outputs)
    shared.refuse_narrow_sums(graph, operator, operator.attributes.bias_type)
    if weights.dtype == "int4" and weights.quantization and len(weights.quantization.scales) > 1:
        raise RefusedError("has int4 weights of one scale a channel, TFLM wants one", _ONE_SCALE)
    shared.refuse_unknown_activation(operator.attributes.activation, target)
    if operator.attributes.weights_format != 0:
        raise RefusedError("has shuffled weights", shared.QUANTIZE)
    if source.elements % inputs or target.elements != source.elements // inputs * outputs:
        raise RefusedError(
            f"maps {source.shape} to {target.shape} with weights {weights.shape}", shared.QUANTIZE
        )
    _refuse_other_bias_scale(graph, operator)
    shared.refuse_large_factors(shared.channel_factors(graph, operator), width_of(target))
    shared.refuse_large_sizes(inputs * width_of(source).bytes, outputs, source.elements // inputs)
    product = _product(graph, operator)
    shared.refuse_overflow(product.rows, product.bias, width_of(source))


def _refuse_other_bias_scale(graph: Graph, operator: Operator) -> None:
    """Raise where TFLM does (GetQuantizedConvolutionMultipler), and only with one scale."""
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    weights = graph.tensor(operator.inputs[1])
    assert weights.quantization is not None
    if operator.inputs[2:] in ((), (None,)) or len(weights.quantization.scales) > 1:
        return
    bias = graph.tensor(operator.inputs[2])
    scale = bias.quantization.scales[0] if bias.quantization else 0.0
    apart = abs(source.scale * weights.scale - scale)
    if apart / target.scale > _MOST_APART:
        raise RefusedError(
            f"has a bias of the scale {scale:g}, not input times weights", shared.QUANTIZE
        )


def _product(graph: Graph, operator: Operator) -> Product:
    rows = shared.weight_values(graph, operator)
    factors = shared.channel_factors(graph, operator)
    target = graph.tensor(operator.outputs[0])
    return Product(
        rows=rows,
        bias=shared.bias_values(graph, operator, rows.shape[0]),
        input_zero_point=graph.tensor(operator.inputs[0]).zero_point,
        scaling=shared.scaling(factors, target, operator.attributes.activation),
    )


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    product = _product(graph, operator)
    inputs = values[0].reshape(-1, product.rows.shape[1]).astype(np.int64)
    result = product.scaling.apply(product.evaluate(inputs))
    return (result.reshape(graph.tensor(operator.outputs[0]).shape),)


def _lower(graph: Graph, operator: Operator, options: LowerOptions) -> Layer:
    product = _product(graph, operator)
    inputs = product.rows.shape[1]
    positions = graph.tensor(operator.inputs[0]).elements // inputs
    if positions > 1:
        return convolution(operator, product, as_image(positions), inputs, options)
    prepared = packed.prepared(product)
    lower = partial(_lower_single, operator, prepared, options)
    return choose(lower, [product.rows.astype(np.int8)], options, _others(product))


def _lower_single(
    operator: Operator, product: Product, options: LowerOptions, encoded: Encoded
) -> Layer:
    """Lower FULLY_CONNECTED at one position."""
    if packed.chosen(product, encoded, options):
        return packed.lower_dense(operator, product, encoded)
    outputs, inputs = product.rows.shape
    activation = shared.activation_name(operator.attributes.activation)
    width = product.scaling.width
    plain = options.dsp and product.plain and encoded.encoding in _PLAIN
    amount = product.count_work(encoded, 1)
    if plain:
        amount = _PLAIN[encoded.encoding](product)
    layer = Layer(
        name=operator.name,
        kind=operator.kind,
        summary=summary_of(f"dense {inputs} -> {outputs}", activation, encoded),
        kernel=width.kernel(f"tk_{encoded.encoding}_plain_s8" if plain else encoded.kernel),
        record=width.record(encoded.record),
        fields=product.fields(operator.name, encoded),
        inputs=(_number(operator.inputs[0]),),
        outputs=operator.outputs,
        tables=product.tables(encoded),
        macs=inputs * outputs,
        encoding=encoded.encoding,
        work=amount,
    )
    if options.dsp and encoded.encoding == "codebook":
        return packed.by_pairs(layer, product)
    return layer


def convolution(
    operator: Operator, product: Product, view: Window, channels: int, options: LowerOptions
) -> Layer:
    """Lower a product that is taken at every position of an image, in the cheapest encoding."""
    lower = partial(lower_convolution, operator, product, view, channels, options)
    filled = _streams(packed.prepared(product), options)
    others = _others(product, filled)
    return choose(lower, [product.rows.astype(np.int8)], options, others)


def _others(product: Product, filled: bool = False) -> tuple[Encoded, ...]:
    """Return the encodings beside dense and sparse that can hold a product's weights.

    Args:
        product: with the weights.
        filled: the kernel that takes blocks fills inputs up to whole ones.
    """
    if product.scaling.width != INT8:
        return ()
    rows = product.rows.astype(np.int8)
    blocks = (as_blocks(rows),) if filled or rows.shape[1] % work.BLOCK == 0 else ()
    return (*blocks, *compact(rows))


def _streams(product: Product, options: LowerOptions) -> bool:
    """Tell whether DSP kernels take the weights of a prepared product that are not zero."""
    return options.dsp and product.plain and fits_records(product.folded_bias())


def _tiled(product: Product, encoded: Encoded) -> bool:
    """Tell whether weights that are not dense have a DSP kernel."""
    if encoded.encoding == "codebook":
        return packed.has_tiles(product, encoded)
    return encoded.encoding in _TILED


def lower_convolution(
    operator: Operator,
    product: Product,
    view: Window,
    channels: int,
    options: LowerOptions,
    encoded: Encoded,
) -> Layer:
    """Lower a product that is taken at every position of an image, in one encoding."""
    product = packed.prepared(product)
    if packed.chosen(product, encoded, options):
        return packed.lower_convolution(operator, product, view, channels, encoded)
    if _streams(product, options) and _tiled(product, encoded):
        return _TILED[encoded.encoding](operator, product, view, channels, encoded)
    outputs, taps = product.rows.shape
    matrix = encoded.encoding
    kernel = "tk_conv_s8" if matrix == "dense" else f"tk_conv_{matrix}_s8"
    positions = view.output[0] * view.output[1]
    gathered = view.kernel != (1, 1) or view.pad != (0, 0)
    width = product.scaling.width
    steps = view.steps(channels * width.bytes, outputs * width.bytes)
    shape = f"{view.kernel[0]}x{view.kernel[1]} convolution {channels} -> {outputs}"
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=summary_of(shape, shared.activation_name(operator.attributes.activation), encoded),
        kernel=width.kernel(kernel),
        record=width.record(kernel.replace("_s8", "_layer")),
        fields=(
            *padding(product),
            view.field(channels * width.bytes),
            (matrix, product.fields(operator.name, encoded)),
        ),
        inputs=(_number(operator.inputs[0]),),
        outputs=operator.outputs,
        tables=product.tables(encoded),
        takes_scratch=True,
        scratch_bytes=taps * width.bytes if gathered else 0,
        scratch_alignment=width.bytes,
        access=(_access(steps, gathered, width.kernel(kernel), width.bytes),),
        macs=positions * outputs * taps,
        encoding=encoded.encoding,
        work=work.windows(view, channels * width.bytes) | product.count_work(encoded, positions),
    )


def _access(steps: Steps, gathered: bool, kernel: str, output_bytes: int) -> Access:
    if gathered:
        return copied_first(steps)
    if kernel == "tk_conv_s8":
        return by_fours(steps)
    return read_while_writing(steps, steps.written - output_bytes)


def as_image(positions: int) -> Window:
    """Return the geometry of a product that is taken at so many positions."""
    one = (1, 1)
    return Window((positions, 1), one, one, one, (0, 0), (positions, 1))


def _number(number: int | None) -> int:
    assert number is not None
    return number


KIND = OpKind(
    options=tflite.FullyConnectedOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="constant symmetric int8 weights, per tensor or per channel, or int4 ones per tensor, "
    "stored as int8; int32 bias or none; int16 too, with an int64 bias",
)
