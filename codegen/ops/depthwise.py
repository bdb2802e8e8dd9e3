"""DEPTHWISE_CONV_2D: a small filter for each channel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import read_while_writing
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.width import INT8, refuse_other_activations, width_of
from tinykit.core.graph import Graph, Operator


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


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    channels = target.shape[3]
    view, scaling = _window(graph, operator), _scaling(graph, operator)
    weights = shared.weight_values(graph, operator)
    bias = shared.bias_values(graph, operator, channels)
    name, width = operator.name, scaling.width
    zero: tuple[Field, ...] = (("in_zero", source.zero_point),) if width == INT8 else ()
    steps = view.steps(source.shape[3] * width.bytes, channels * width.bytes)
    activation = shared.activation_name(operator.attributes.activation)
    shape = f"{view.kernel[0]}x{view.kernel[1]} depthwise convolution of {channels} channels"
    return Layer(
        name=name,
        kind=operator.kind,
        summary=", ".join(part for part in (shape, activation) if part),
        kernel=width.kernel("tk_depthwise_s8"),
        record=width.record("tk_depthwise_layer"),
        fields=(
            *zero,
            ("multiplier", channels // source.shape[3]),
            ("weights", f"{name}_weights"),
            ("bias", f"{name}_bias"),
            view.field(source.shape[3] * width.bytes),
            shared.scaling_fields(scaling, name, channels),
        ),
        inputs=(_source(operator),),
        outputs=operator.outputs,
        tables=(
            Table("weights", weights.astype(np.int8), "weights"),
            Table("bias", bias.astype(width.bias), "bias"),
            *shared.scaling_tables(scaling),
        ),
        access=(read_while_writing(steps, (channels - source.shape[3]) * width.bytes),),
        macs=weights.size * view.output[0] * view.output[1],
        encoding="dense",
        reason="depthwise weights stay dense",
    )


def _source(operator: Operator) -> int:
    assert operator.inputs[0] is not None
    return operator.inputs[0]


KIND = OpKind(
    options=tflite.DepthwiseConv2DOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="batch 1; constant symmetric int8 weights; any stride, dilation and depth multiplier",
)
