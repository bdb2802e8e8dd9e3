"""TRANSPOSE: the axes in another order."""

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator

_MOST_RANK = 5  # TransposeEval, though kTransposeMaxDimensions is 6


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), ("int8", "int16", "float32"))
    order, rank = _order(graph, operator), len(source.shape)
    if rank > _MOST_RANK:
        raise RefusedError(f"turns {rank} axes, TFLM at most {_MOST_RANK}", "merge dimensions")
    if sorted(order) != list(range(rank)):
        raise RefusedError(f"puts {rank} axes in the order {order}", shared.QUANTIZE)
    moving.refuse_other_shape(target, [source.shape[axis] for axis in order])
    moving.refuse_unlowerable(graph, [_copy(graph, operator)])


def _order(graph: Graph, operator: Operator) -> list[int]:
    return moving.constants(graph, operator.inputs[1], "order")


def _copy(graph: Graph, operator: Operator) -> moving.Copy:
    number, target = operator.inputs[0], operator.outputs[0]
    assert number is not None
    read = moving.steps(graph.tensor(number).shape)
    shape = graph.tensor(target).shape
    axes = [
        moving.Axis(length, read[axis], write)
        for length, axis, write in zip(
            shape, _order(graph, operator), moving.steps(shape), strict=True
        )
    ]
    return moving.Copy(number, target, tuple(axes))


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (np.transpose(values[0], _order(graph, operator)),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, [_copy(graph, operator)])


KIND = OpKind(
    tflite.TransposeOptions,
    shared.no_options,
    _check,
    _evaluate,
    _lower,
    "a constant order of at most 5 axes; int16 too",
)
