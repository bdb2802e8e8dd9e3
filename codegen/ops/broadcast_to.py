"""BROADCAST_TO: a tensor repeated along axes of length 1, or along new ones."""

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.codegen.ops.moving import Axis, Copy
from tinykit.core.graph import Graph, Operator

_DTYPES = ("int8", "int16", "int32", "float32", "bool")
_MOST_DIMENSIONS = 5


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), _DTYPES)
    moving.refuse_other_shape(target, moving.constants(graph, operator.inputs[1], "shape"))
    if len(target.shape) > _MOST_DIMENSIONS:
        raise RefusedError(
            f"makes {target.shape}, more than {_MOST_DIMENSIONS} dimensions", "merge dimensions"
        )
    behind = target.shape[len(target.shape) - len(source.shape) :]
    fits = all(a in (1, b) for a, b in zip(source.shape, behind, strict=False))
    if len(source.shape) > len(target.shape) or not fits:
        raise RefusedError(f"repeats {source.shape} to {target.shape}", shared.QUANTIZE)
    moving.refuse_unlowerable(graph, [_copy(graph, operator)])


def _copy(graph: Graph, operator: Operator) -> Copy:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shape = (1,) * (len(target.shape) - len(source.shape)) + source.shape
    axes = tuple(
        Axis(count, read if length > 1 else 0, write)
        for count, length, read, write in zip(
            target.shape, shape, moving.steps(shape), moving.steps(target.shape), strict=True
        )
    )
    assert operator.inputs[0] is not None
    return Copy(operator.inputs[0], operator.outputs[0], axes)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (np.broadcast_to(values[0], graph.tensor(operator.outputs[0]).shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, [_copy(graph, operator)])


KIND = OpKind(
    tflite.BroadcastToOptions,
    shared.no_options,
    _check,
    _evaluate,
    _lower,
    f"to a constant shape of at most {_MOST_DIMENSIONS} dimensions",
)
