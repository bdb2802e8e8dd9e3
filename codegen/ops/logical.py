"""LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import broadcast, shared
from tinykit.core.graph import Graph, Operator, Tensor


def _refuse_not_bool(*tensors: Tensor) -> None:
    for tensor in tensors:
        if tensor.dtype != "bool":
            raise RefusedError(f"has the {tensor.dtype} tensor '{tensor.name}'", "cast to bool")


def _check_pair(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    if operator.inputs[1] is None:
        raise RefusedError("has one input", shared.QUANTIZE)
    tensors = _tensors(graph, operator)
    _refuse_not_bool(*tensors)
    broadcast.refuse_repeated_beyond(4, tensors[:2], tensors[2])
    broadcast.broadcast(*tensors)


def _tensors(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor, Tensor]:
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    return left, right, graph.tensor(operator.outputs[0])


def _pair(what: str, options: Callable[[], Any], compute: np.ufunc) -> OpKind:
    def evaluate(_graph: Graph, _operator: Operator, values: Arrays) -> Arrays:
        return (np.asarray(compute(*values)),)

    def lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
        return _pair_layer(graph, operator, what)

    limits = "at most 6 dimensions"
    return OpKind(options, shared.no_options, _check_pair, evaluate, lower, limits)


def _pair_layer(graph: Graph, operator: Operator, what: str) -> Layer:
    left, right, target = _tensors(graph, operator)
    walk = broadcast.broadcast(left, right, target)
    first, second = operator.inputs
    assert first is not None and second is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"logical {what} of {left.elements} and {right.elements} values",
        kernel=f"tk_logical_{what}",
        record="tk_broadcast",
        fields=walk.members(operator.name),
        inputs=(first, second),
        outputs=operator.outputs,
        tables=walk.tables(),
        access=broadcast.access(left, right, target),
    )


def _check_not(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    _refuse_not_bool(source, target)
    if source.elements != target.elements:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)


def _evaluate_not(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (~values[0].reshape(graph.tensor(operator.outputs[0]).shape),)


def _lower_not(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    count = graph.tensor(operator.inputs[0]).elements
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"logical not of {count} values",
        kernel="tk_logical_not",
        record="tk_values_layer",
        fields=(("count", count),),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        access=(one_by_one(count),),
    )


LOGICAL_AND = _pair("and", tflite.LogicalAndOptions, np.logical_and)
LOGICAL_OR = _pair("or", tflite.LogicalOrOptions, np.logical_or)
LOGICAL_NOT = OpKind(
    tflite.LogicalNotOptions, shared.no_options, _check_not, _evaluate_not, _lower_not
)
