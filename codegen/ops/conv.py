"""CONV_2D: a matrix product at every position of an image, or one for each group of channels."""

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import tflite

from tinykit.codegen import work
from tinykit.codegen.access import read_while_writing
from tinykit.codegen.encode import Encoded, as_dense, as_sparse, cheapest
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import packed, shared
from tinykit.codegen.ops.dense import convolution, lower_convolution
from tinykit.codegen.ops.product import Product, padding, summary_of
from tinykit.codegen.ops.samples import by_sample
from tinykit.codegen.ops.shared import Ints, Window
from tinykit.codegen.ops.width import refuse_other_activations, width_of
from tinykit.core.graph import Graph, Operator


@dataclass(frozen=True, slots=True)
class Conv:
    """Attributes of CONV_2D; pairs are (height, width), `bias_type` is the schema's."""

    padding: int | shared.Pads
    stride: tuple[int, int]
    dilation: tuple[int, int]
    activation: int
    bias_type: int = field(default=0, compare=False)


def _read(options: Any) -> Conv:
    return Conv(
        padding=options.Padding(),
        stride=(options.StrideH(), options.StrideW()),
        dilation=(options.DilationHFactor(), options.DilationWFactor()),
        activation=options.FusedActivationFunction(),
        bias_type=options.QuantizedBiasType(),
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2, 3))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    refuse_other_activations(source, target)
    shared.refuse_other_rank(source, 4)
    shared.refuse_other_rank(target, 4)
    weights = graph.tensor(operator.inputs[1])
    if len(weights.shape) != 4 or weights.shape[0] != target.shape[3]:
        raise RefusedError(f"has weights of shape {weights.shape}", shared.QUANTIZE)
    if source.shape[3] % weights.shape[3] or target.shape[3] % _groups(graph, operator):
        raise RefusedError(
            f"has {source.shape[3]} input and {target.shape[3]} output channels, weights for "
            f"{weights.shape[3]}",
            "use channels that are multiples of the groups",
        )
    shared.refuse_bad_weights(graph, operator, weights.shape[0])
    shared.refuse_narrow_sums(graph, operator, operator.attributes.bias_type)
    shared.refuse_unknown_activation(operator.attributes.activation, target)
    shared.refuse_large_factors(shared.channel_factors(graph, operator), width_of(target))
    _window(graph, operator)
    product = _product(graph, operator)
    shared.refuse_overflow(product.rows, product.bias, width_of(source))


def _groups(graph: Graph, operator: Operator) -> int:
    """Return the groups: TFLM, too, takes them from the shapes."""
    source, weights = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    return source.shape[3] // weights.shape[3]


def _window(graph: Graph, operator: Operator) -> Window:
    attributes: Conv = operator.attributes
    height, width = graph.tensor(operator.inputs[1]).shape[1:3]
    return shared.window(
        graph.tensor(operator.inputs[0]),
        graph.tensor(operator.outputs[0]),
        (height, width),
        attributes.stride,
        attributes.dilation,
        attributes.padding,
    )


def _product(graph: Graph, operator: Operator) -> Product:
    weights = shared.weight_values(graph, operator)
    return Product(
        rows=weights.reshape(weights.shape[0], -1),
        bias=shared.bias_values(graph, operator, weights.shape[0]),
        input_zero_point=graph.tensor(operator.inputs[0]).zero_point,
        scaling=shared.scaling(
            shared.channel_factors(graph, operator),
            graph.tensor(operator.outputs[0]),
            operator.attributes.activation,
        ),
    )


def _spread(weights: Ints, groups: int) -> Ints:
    """Return the weights of one group that does the same: zero for the channels of others."""
    outputs, height, width, channels = weights.shape
    spread = np.zeros((outputs, height, width, groups, channels), np.int64)
    group = np.arange(outputs) // (outputs // groups)
    spread[np.arange(outputs), :, :, group] = weights
    return spread.reshape(outputs, -1)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    product, view = _product(graph, operator), _window(graph, operator)
    taps = shared.columns(values[0].astype(np.int64), view, product.input_zero_point)
    weights = shared.weight_values(graph, operator)
    whole = replace(product, rows=_spread(weights, _groups(graph, operator)))
    sums = whole.evaluate(taps.reshape(*view.output, -1))
    return (product.scaling.apply(sums)[None],)


def _lower(graph: Graph, operator: Operator, options: LowerOptions) -> Layer:
    channels = graph.tensor(operator.inputs[0]).shape[3]
    view, product = _window(graph, operator), _product(graph, operator)
    groups = _groups(graph, operator)
    if groups == 1:
        return convolution(operator, product, view, channels, options)
    values = shared.weight_values(graph, operator)
    dense = _lower_grouped(
        operator,
        packed.prepared(product),
        view,
        (channels, groups),
        as_dense(product.rows.astype(np.int8)),
    )
    if options.encoding == "dense":
        return replace(dense, reason="dense was asked for")
    # the zeros of other groups are not stored: nothing is lost by one sparse product for all
    whole = replace(product, rows=_spread(values, groups))
    encoded = as_sparse(whole.rows.astype(np.int8))
    sparse = lower_convolution(operator, whole, view, channels, options, encoded)
    zeros = float(np.mean(values == 0))
    return cheapest(dense, [replace(sparse, macs=dense.macs)], zeros, options)


def _lower_grouped(
    operator: Operator,
    product: Product,
    view: Window,
    channels_of_groups: tuple[int, int],
    encoded: Encoded,
) -> Layer:
    assert operator.inputs[0] is not None
    channels, groups = channels_of_groups
    outputs, taps = product.rows.shape
    shape = f"{view.kernel[0]}x{view.kernel[1]} convolution {channels} -> {outputs}"
    activation = shared.activation_name(operator.attributes.activation)
    # each group of outputs is written before the next group of inputs is read
    lag = max(0, (outputs - channels) // groups * (groups - 1))
    width = product.scaling.width
    steps = view.steps(channels * width.bytes, outputs * width.bytes)
    of_group = replace(product, rows=product.rows[: outputs // groups])
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=summary_of(f"{shape} in {groups} groups", activation, encoded),
        kernel=width.kernel("tk_conv_grouped_s8"),
        record=width.record("tk_conv_grouped_layer"),
        fields=(
            *padding(product),
            ("groups", groups),
            view.field(channels * width.bytes),
            ("dense", product.fields(operator.name, encoded)),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=product.tables(encoded),
        takes_scratch=True,
        scratch_bytes=taps * width.bytes,
        scratch_alignment=width.bytes,
        access=(read_while_writing(steps, lag * width.bytes),),
        macs=view.output[0] * view.output[1] * outputs * taps,
        encoding=encoded.encoding,
        work=work.group_windows(view, channels * width.bytes, groups)
        | of_group.count_work(encoded, view.output[0] * view.output[1] * groups),
    )


_ONE = OpKind(
    options=tflite.Conv2DOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="constant symmetric int8 weights, or int4 ones, stored as int8; any stride, "
    "dilation and groups; int16 too",
)
KIND = by_sample(_ONE, _window)
