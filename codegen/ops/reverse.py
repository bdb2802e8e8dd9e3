"""REVERSE_V2: neighbouring axes from their ends."""

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator

_MOST_RANK = 6  # kMaxDimensions


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), ("int8", "int16", "int32", "float32"))
    moving.refuse_other_shape(target, source.shape)
    if len(source.shape) > _MOST_RANK:
        raise RefusedError(
            f"reverses in {len(source.shape)} axes, TFLM up to {_MOST_RANK}", "merge dimensions"
        )
    axes = _axes(graph, operator)
    if axes != list(range(axes[0], axes[0] + len(axes))):
        raise RefusedError(f"reverses the axes {axes}, TFLM neighbours", "reverse one at a time")
    moving.refuse_unlowerable(graph, [_copy(graph, operator)])


def _axes(graph: Graph, operator: Operator) -> list[int]:
    rank = len(graph.tensor(operator.inputs[0]).shape)
    numbers = moving.constants(graph, operator.inputs[1], "axes")
    if not numbers:
        raise RefusedError("reverses no axis", shared.QUANTIZE)
    return sorted(moving.positive_axis(axis, rank) for axis in numbers)


def _copy(graph: Graph, operator: Operator) -> moving.Copy:
    number, target = operator.inputs[0], operator.outputs[0]
    assert number is not None
    shape, start, axes = graph.tensor(target).shape, 0, []
    reversed_axes = _axes(graph, operator)
    for axis, (length, step) in enumerate(zip(shape, moving.steps(shape), strict=True)):
        if axis in reversed_axes:
            start += (length - 1) * step
        axes.append(moving.Axis(length, -step if axis in reversed_axes else step, step))
    return moving.Copy(number, target, tuple(axes), read=start)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (np.flip(values[0], tuple(_axes(graph, operator))),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, [_copy(graph, operator)])


KIND = OpKind(
    tflite.ReverseV2Options,
    shared.no_options,
    _check,
    _evaluate,
    _lower,
    "constant axes, neighbours of each other",
)
