"""Remove channels from a graph: from tensors, weights, and biases, which take over constants."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.channels import VARIES
from tinykit.codegen.links import Link, channels, links
from tinykit.codegen.mixing import Mixing, mixing
from tinykit.codegen.ops import shared
from tinykit.core.graph import Graph, Operator, Quantization, Tensor, values_dtype

Ints = NDArray[np.int64]
Kept = Mapping[int, Ints]


def shrink(graph: Graph, kept: Kept, values: Mapping[int, Ints]) -> Graph:
    """Return a graph that computes the same outputs from fewer channels.

    Args:
        graph: any; the numbers of its tensors stay what they are.
        kept: the channels that are left of the tensors that lose some, in order.
        values: the constant channels; see codegen/channels.py.
    """
    tensors = list(graph.tensors)
    for number, left in kept.items():
        tensors[number] = replace(tensors[number], shape=(*tensors[number].shape[:-1], len(left)))
    operators = []
    for operator in graph.operators:
        if any(number in kept for number in (*operator.inputs, *operator.outputs)):
            operator = _shrunk(graph, operator, kept, values, tensors)
        operators.append(operator)
    return replace(graph, tensors=tuple(tensors), operators=tuple(operators))


def _shrunk(
    graph: Graph, operator: Operator, kept: Kept, values: Mapping[int, Ints], tensors: list[Tensor]
) -> Operator:
    """Return an operator that reads smaller constants, which are put behind the tensors."""
    mixed = mixing(graph, operator)
    if mixed is not None:
        new = _mixed_constants(graph, operator, mixed, kept, values)
    elif operator.kind == "DEPTHWISE_CONV_2D":
        new = _depthwise_constants(graph, operator, kept)
    else:
        new = _linked_constants(graph, operator, kept)
    inputs = list(operator.inputs)
    for position, tensor in new.items():
        inputs += [None] * (position + 1 - len(inputs))
        inputs[position] = len(tensors)
        tensors.append(tensor)
    return replace(operator, inputs=tuple(inputs))


def _mixed_constants(
    graph: Graph, operator: Operator, mixed: Mixing, kept: Kept, values: Mapping[int, Ints]
) -> dict[int, Tensor]:
    number, (outputs, _, _, inputs) = operator.inputs[mixed.source], mixed.weights.shape
    assert number is not None
    rows, columns = _left(operator.outputs[0], kept, outputs), _left(number, kept, inputs)
    bias = shared.bias_values(graph, operator, outputs, mixed.bias)
    gone = np.setdiff1d(np.arange(inputs), columns)
    if number in values:
        # a channel that goes and is no constant has no weights
        known = np.where(values[number] == VARIES, mixed.zero_point, values[number])
        bias = bias + mixed.shares(known)[0][:, gone].sum(axis=1)
    weights = graph.tensor(operator.inputs[1])
    left = mixed.weights[rows][..., columns]
    if operator.kind == "FULLY_CONNECTED":
        left = left.reshape(len(rows), -1)
    new = {1: _part(weights, left, rows)}
    new[mixed.bias] = _bias(graph, operator, bias[rows], rows, mixed.source, mixed.bias)
    if operator.kind == "TRANSPOSE_CONV":
        target = graph.tensor(operator.outputs[0])
        shape = np.array([*target.shape[:3], len(rows)], np.int32)
        new[0] = replace(graph.tensor(operator.inputs[0]), data=shape)
    return new


def _depthwise_constants(graph: Graph, operator: Operator, kept: Kept) -> dict[int, Tensor]:
    weights = graph.tensor(operator.inputs[1])
    assert weights.data is not None
    outputs = weights.shape[-1]
    rows = _left(operator.outputs[0], kept, outputs)
    bias = shared.bias_values(graph, operator, outputs)[rows]
    return {
        1: _part(weights, weights.data[..., rows], rows),
        2: _bias(graph, operator, bias, rows),
    }


def _linked_constants(graph: Graph, operator: Operator, kept: Kept) -> dict[int, Tensor]:
    """Cut the constants that have the channels of the output."""
    found = {}
    for link in links(graph, operator) or ():
        tensor = graph.tensor(operator.inputs[link.position])
        if tensor.data is not None:
            left = _partners(link, kept, operator.outputs[0], channels(tensor))
            data = tensor.data[..., left]
            found[link.position] = replace(tensor, shape=data.shape, data=data)
    return found


def _partners(link: Link, kept: Kept, target: int, count: int) -> Ints:
    left = _left(target, kept, count)
    return np.asarray(link.source[np.isin(link.target, left)])


def _left(number: int, kept: Kept, count: int) -> Ints:
    return kept[number] if number in kept else np.arange(count)


def _part(tensor: Tensor, data: NDArray[np.generic], left: Ints) -> Tensor:
    return replace(
        tensor,
        shape=data.shape,
        data=np.ascontiguousarray(data, values_dtype(tensor.dtype)),
        quantization=_scales(tensor.quantization, left),
    )


def _bias(
    graph: Graph, operator: Operator, bias: Ints, left: Ints, source_at: int = 0, bias_at: int = 2
) -> Tensor:
    data = bias.astype(np.int32)
    if len(operator.inputs) > bias_at and operator.inputs[bias_at] is not None:
        return _part(graph.tensor(operator.inputs[bias_at]), data, left)
    source, weights = graph.tensor(operator.inputs[source_at]), graph.tensor(operator.inputs[1])
    assert weights.quantization is not None
    steps = tuple(source.scale * scale for scale in weights.quantization.scales)
    meaning = _scales(Quantization(steps, (0,) * len(steps)), left)
    return Tensor(f"{operator.name} bias", data.shape, "int32", meaning, data)


def _scales(quantization: Quantization | None, left: Ints) -> Quantization | None:
    if quantization is None or len(quantization.scales) == 1:
        return quantization
    return replace(
        quantization,
        scales=tuple(quantization.scales[i] for i in left),
        zero_points=tuple(quantization.zero_points[i] for i in left),
    )
