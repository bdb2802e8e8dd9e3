"""CONV_2D: a matrix product at every position of an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.dense import Product, lower_convolution
from tinykit.core.graph import Graph, Operator


@dataclass(frozen=True, slots=True)
class Conv:
    """Attributes of CONV_2D; pairs are (height, width)."""

    padding: int
    stride: tuple[int, int]
    dilation: tuple[int, int]
    activation: int


def _read(options: Any) -> Conv:
    return Conv(
        padding=options.Padding(),
        stride=(options.StrideH(), options.StrideW()),
        dilation=(options.DilationHFactor(), options.DilationWFactor()),
        activation=options.FusedActivationFunction(),
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2, 3))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, target)
    shared.refuse_other_rank(source, 4)
    shared.refuse_other_rank(target, 4)
    weights = graph.tensor(operator.inputs[1])
    if len(weights.shape) != 4 or weights.shape[0] != target.shape[3]:
        raise RefusedError(f"has weights of shape {weights.shape}", shared.QUANTIZE)
    if weights.shape[3] != source.shape[3]:
        raise RefusedError(
            f"is grouped: {source.shape[3]} input channels, weights for {weights.shape[3]}",
            "use groups=1, or split the layer and concatenate",
        )
    shared.refuse_bad_weights(graph, operator, weights.shape[0])
    shared.refuse_unknown_activation(operator.attributes.activation, target)
    shared.refuse_large_factors(shared.channel_factors(graph, operator))
    _window(graph, operator)
    product = _product(graph, operator)
    shared.refuse_overflow(product.rows, product.bias)


def _window(graph: Graph, operator: Operator) -> shared.Window:
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


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    product, view = _product(graph, operator), _window(graph, operator)
    taps = shared.columns(values[0].astype(np.int64), view, product.input_zero_point)
    flat = taps.reshape(*view.output, -1)
    return (product.scaling.apply(product.evaluate(flat))[None],)


def _lower(graph: Graph, operator: Operator, options: LowerOptions) -> Layer:
    channels = graph.tensor(operator.inputs[0]).shape[3]
    view = _window(graph, operator)
    return lower_convolution(operator, _product(graph, operator), view, channels, options)


KIND = OpKind(
    options=tflite.Conv2DOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="ungrouped, batch 1; constant symmetric int8 weights; any stride and dilation",
)
