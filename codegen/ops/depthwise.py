"""DEPTHWISE_CONV_2D: a small filter for each channel."""

import dataclasses
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import Access, apart, read_while_writing
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import packed, shared
from tinykit.codegen.ops.dense import convolution
from tinykit.codegen.ops.product import Product
from tinykit.codegen.ops.samples import by_sample
from tinykit.codegen.ops.shared import Window
from tinykit.codegen.ops.width import INT8, refuse_other_activations, width_of
from tinykit.core.graph import Graph, Operator

_BAND_BYTES = 512  # of copied rows; more would save little time
_LANES = 4  # channels that tk_depthwise_3x3_s8 takes at a time
_FILTER_BYTES = 40  # tk_filter3
_MOST_STRIDE = 2  # along the rows
_CALL_CYCLES = 60  # of tk_filter3_s8
_RING_BYTES = 1024  # of the rows of all lanes


@dataclass(frozen=True, slots=True)
class Depthwise:
    """Attributes of DEPTHWISE_CONV_2D; pairs are (height, width)."""

    multiplier: int
    padding: int | shared.Pads
    stride: tuple[int, int]
    dilation: tuple[int, int]
    activation: int


def _read(options: Any) -> Depthwise:
    return Depthwise(
        multiplier=options.DepthMultiplier(),
        padding=options.Padding(),
        stride=(options.StrideH(), options.StrideW()),
        dilation=(options.DilationHFactor(), options.DilationWFactor()),
        activation=options.FusedActivationFunction(),
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2, 3))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    refuse_other_activations(source, target)
    shared.refuse_other_rank(source, 4)
    shared.refuse_other_rank(target, 4)
    weights = graph.tensor(operator.inputs[1])
    channels = target.shape[3]
    if len(weights.shape) != 4 or weights.shape[0] != 1 or weights.shape[3] != channels:
        raise RefusedError(f"has weights of shape {weights.shape}", shared.QUANTIZE)
    if channels != source.shape[3] * operator.attributes.multiplier:
        raise RefusedError(
            f"makes {channels} channels of {source.shape[3]}, with the depth multiplier "
            f"{operator.attributes.multiplier}",
            shared.QUANTIZE,
        )
    shared.refuse_bad_weights(graph, operator, channels)
    shared.refuse_unknown_activation(operator.attributes.activation, target)
    shared.refuse_large_factors(shared.channel_factors(graph, operator), width_of(target))
    _window(graph, operator)
    rows = shared.weight_values(graph, operator).reshape(-1, channels).T
    bias = shared.bias_values(graph, operator, channels)
    shared.refuse_overflow(rows, bias, width_of(source))


def _window(graph: Graph, operator: Operator) -> shared.Window:
    attributes: Depthwise = operator.attributes
    height, width = graph.tensor(operator.inputs[1]).shape[1:3]
    return shared.window(
        graph.tensor(operator.inputs[0]),
        graph.tensor(operator.outputs[0]),
        (height, width),
        attributes.stride,
        attributes.dilation,
        attributes.padding,
    )


def _scaling(graph: Graph, operator: Operator) -> shared.Scaling:
    factors = shared.channel_factors(graph, operator)
    target = graph.tensor(operator.outputs[0])
    return shared.scaling(factors, target, operator.attributes.activation)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    channels = target.shape[3]
    multiplier = channels // source.shape[3]
    weights = shared.weight_values(graph, operator)[0]
    taps = shared.columns(values[0].astype(np.int64), _window(graph, operator), source.zero_point)
    repeated = np.repeat(taps - source.zero_point, multiplier, axis=-1)
    sums = np.einsum("yxijc,ijc->yxc", repeated, weights)
    accumulators = sums + shared.bias_values(graph, operator, channels)
    return (_scaling(graph, operator).apply(accumulators)[None],)


def _lower(graph: Graph, operator: Operator, options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    channels = target.shape[3]
    view = _window(graph, operator)
    product = packed.prepared(
        Product(
            rows=shared.weight_values(graph, operator).reshape(-1, channels).T,
            bias=shared.bias_values(graph, operator, channels),
            input_zero_point=source.zero_point,
            scaling=_scaling(graph, operator),
        )
    )
    if product.plain and source.shape[3] == 1:
        return convolution(operator, product, view, 1, options)
    rows = source.shape[3] == channels and view.dilation == (1, 1)
    if options.dsp and product.plain and rows:
        if view.kernel == (3, 3) and view.stride[1] <= _MOST_STRIDE:
            return _lower_3x3(operator, product, view)
        return _lower_rows(operator, product, view)
    return _lower_positions(operator, product, view, source.shape[3])


def _lower_positions(operator: Operator, product: Product, view: Window, channels: int) -> Layer:
    """Lower to the kernel that goes from position to position."""
    outputs, width = len(product.rows), product.scaling.width
    zero: tuple[Field, ...] = (("in_zero", product.input_zero_point),) if width == INT8 else ()
    steps = view.steps(channels * width.bytes, outputs * width.bytes)
    layer = _common(operator, product, view)
    quads = product.plain and outputs == channels
    return replace(
        layer,
        kernel=width.kernel("tk_depthwise_quads_s8" if quads else "tk_depthwise_s8"),
        record=width.record("tk_depthwise_layer"),
        fields=(
            *zero,
            ("multiplier", outputs // channels),
            ("weights", f"{layer.name}_weights"),
            ("bias", f"{layer.name}_bias"),
            view.field(channels * width.bytes),
            shared.scaling_fields(product.scaling, layer.name, outputs, product.plain),
        ),
        tables=(
            Table("weights", np.ascontiguousarray(product.rows.T.astype(np.int8)), "weights"),
            *layer.tables,
        ),
        access=(read_while_writing(steps, (outputs - channels) * width.bytes),),
    )


def _lower_rows(operator: Operator, product: Product, view: Window) -> Layer:
    """Lower to the kernel that goes from channel to channel, along rows."""
    outputs = len(product.rows)
    layer = _common(operator, product, view)
    pairs = -(-view.kernel[1] // 2)
    width = _width(view, view.output[1], 2 * pairs)
    band = _band(view, width)
    copied = (band - 1) * view.stride[0] + view.kernel[0]
    return replace(
        layer,
        kernel="tk_depthwise_rows_s8",
        record="tk_depthwise_rows_layer",
        fields=(
            ("in_zero", product.input_zero_point),
            ("width", width),
            ("band", band),
            ("weights", f"{layer.name}_weights"),
            ("bias", f"{layer.name}_bias"),
            view.field(outputs),
            shared.scaling_fields(product.scaling, layer.name, outputs, product.plain),
        ),
        tables=(Table("weights", product.rows.astype(np.int8), "weights"), *layer.tables),
        takes_scratch=True,
        scratch_bytes=4 * view.kernel[0] * pairs + 2 * copied * width,
        scratch_alignment=4,
        access=(rows_access(view, outputs),),
    )


def _lower_3x3(operator: Operator, product: Product, view: Window) -> Layer:
    """Lower to the kernel that goes along rows too, four channels at a time."""
    outputs = len(product.rows)
    layer = _common(operator, replace(product, bias=product.folded_bias()), view)
    access = rows_access(view, outputs)
    rows, across = product.rows, _goes_across(view)
    if across:
        view, rows = _exchanged(view), rows.reshape(-1, 3, 3).transpose(0, 2, 1)
    # tk_filter3_s8 reads as if the outputs were even
    width = _width(view, view.output[1] + view.output[1] % 2, 4)
    most = max(view.kernel[0], _RING_BYTES // (2 * _LANES * width))
    ring = min(most, (view.output[0] - 1) * view.stride[0] + view.kernel[0])
    # the last row of weights is read as a word
    weights = np.append(rows.ravel(), 0).astype(np.int8)
    return replace(
        layer,
        kernel="tk_depthwise_3x3_s8",
        record="tk_depthwise_rows_layer",
        fields=(
            ("in_zero", product.input_zero_point),
            ("across", int(across)),
            ("width", width),
            ("band", ring),
            ("weights", f"{layer.name}_weights"),
            ("bias", f"{layer.name}_bias"),
            view.field(outputs),
            shared.scaling_fields(product.scaling, layer.name, outputs, product.plain),
        ),
        tables=(Table("weights", weights, "weights"), *layer.tables),
        takes_scratch=True,
        scratch_bytes=_LANES * (_FILTER_BYTES + 2 * ring * width),
        scratch_alignment=4,
        access=(access,),
    )


def _goes_across(view: Window) -> bool:
    """Tell whether fewer, longer rows pay: the image's columns, each in a call of its own.

    In place that is safe where outputs lie where the inputs of the same position do.
    """
    alike = view.stride == (1, 1) and view.image == view.output and max(view.pad) < 3
    height, width = view.output
    along = height * _row_cycles(width) + _CALL_CYCLES
    return alike and width * (_row_cycles(height) + _CALL_CYCLES) < along


def _row_cycles(outputs: int) -> int:
    return 19 + 49 * -(-outputs // 2)


def _exchanged(view: Window) -> Window:
    return Window(*(pair[::-1] for pair in dataclasses.astuple(view)))


def _width(view: Window, outputs: int, taps: int) -> int:
    """Return the values of a copied row: the image, or what is read for so many outputs."""
    reach = (outputs - 1) * view.stride[1] + taps
    return -(-max(view.pad[1] + view.image[1], reach) // 2) * 2


def rows_access(view: Window, channels: int) -> Access:
    """Return the access of the kernels along rows, which finish a channel before the next ones.

    In place, a row is written when the rows below it, which its window ends in, have been copied.
    """
    sizes = [height * width * channels for height, width in (view.image, view.output)]
    in_place = view.output[1] <= view.image[1] and view.pad[0] < view.kernel[0]
    return replace(apart(*sizes), in_place=in_place)


def _band(view: Window, width: int) -> int:
    """Return how many rows of outputs a band has: as many as fit, at least one."""
    fitting = _BAND_BYTES // (2 * width)
    rows = (fitting - view.kernel[0]) // view.stride[0] + 1
    return min(max(rows, 1), view.output[0])


def _common(operator: Operator, product: Product, view: Window) -> Layer:
    """Return what both kernels' layers have in common, with the tables behind the weights."""
    assert operator.inputs[0] is not None
    activation = shared.activation_name(operator.attributes.activation)
    outputs = len(product.rows)
    shape = f"{view.kernel[0]}x{view.kernel[1]} depthwise convolution of {outputs} channels"
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=", ".join(part for part in (shape, activation) if part),
        kernel="",
        record="",
        fields=(),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=(
            Table("bias", product.bias.astype(product.scaling.width.bias), "bias"),
            *shared.scaling_tables(product.scaling),
        ),
        macs=product.rows.size * view.output[0] * view.output[1],
        encoding="dense",
        reason="depthwise weights stay dense",
    )


_ONE = OpKind(
    options=tflite.DepthwiseConv2DOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="constant symmetric int8 weights, or int4 ones, stored as int8; any stride, "
    "dilation and depth multiplier; int16 too",
)
KIND = by_sample(_ONE, _window)
