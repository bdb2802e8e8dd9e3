"""GATHER_ND: values, or slices, whose places are named along several axes at once."""

from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator

_MOST_AXES = 5  # TK_TAKE_ND_AXES


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    positions = graph.tensor(operator.inputs[1])
    moving.refuse_unmovable(operator, (source, target), ("int8", "float32"))
    if positions.dtype != "int32" or not positions.shape:
        raise RefusedError(
            f"has {positions.dtype} positions of shape {positions.shape}", shared.QUANTIZE
        )
    axes = positions.shape[-1]
    if axes > min(len(source.shape), _MOST_AXES):
        raise RefusedError(f"names places on {axes} axes of {source.shape}", shared.QUANTIZE)
    moving.refuse_other_shape(target, (*positions.shape[:-1], *source.shape[axes:]))
    if positions.data is not None:
        named = positions.data.reshape(-1, axes).astype(np.int64)
        if named.min() < 0 or np.any(named >= np.array(source.shape[:axes])):
            raise RefusedError(
                f"takes {tuple(int(n) for n in named.max(axis=0))} of {source.shape}",
                shared.QUANTIZE,
            )
        moving.refuse_unlowerable(graph, [_copy(graph, operator)])


def _steps(graph: Graph, operator: Operator) -> tuple[int, ...]:
    """Return how many slices lie between neighbours on each axis of the positions."""
    axes = graph.tensor(operator.inputs[1]).shape[-1]
    return moving.steps(graph.tensor(operator.inputs[0]).shape[:axes])


def _slices(graph: Graph, operator: Operator) -> tuple[int, int]:
    """Return how many slices the input has, and how many elements are one."""
    axes = graph.tensor(operator.inputs[1]).shape[-1]
    shape = graph.tensor(operator.inputs[0]).shape
    return int(np.prod(shape[:axes])), int(np.prod(shape[axes:], dtype=np.int64))


def _places(graph: Graph, operator: Operator, positions: np.ndarray[Any, Any]) -> shared.Ints:
    """Return which slices are taken; only their places as a whole are held in the input."""
    steps = np.array(_steps(graph, operator), np.int64)
    summed = positions.reshape(-1, len(steps)).astype(np.int64) @ steps
    return np.clip(fixedpoint.wrap32(summed), 0, _slices(graph, operator)[0] - 1)


def _copy(graph: Graph, operator: Operator) -> moving.Copy:
    """Take constant positions."""
    data, (_, size) = graph.tensor(operator.inputs[1]).data, _slices(graph, operator)
    assert operator.inputs[0] is not None
    assert data is not None
    places = tuple(int(n) for n in _places(graph, operator, data))
    axes = (moving.Axis(len(places), size, size, places), moving.Axis(size, 1, 1))
    return moving.Copy(operator.inputs[0], operator.outputs[0], axes)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    slices = values[0].reshape(_slices(graph, operator))
    taken = slices[_places(graph, operator, values[1])]
    return (taken.reshape(graph.tensor(operator.outputs[0]).shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer | tuple[Layer, ...]:
    source, positions = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    if positions.data is not None:
        return moving.layers(graph, operator, [_copy(graph, operator)])
    steps, (places, size) = _steps(graph, operator), _slices(graph, operator)
    taken = positions.elements // len(steps)
    assert operator.inputs[0] is not None
    assert operator.inputs[1] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{taken} of {places} places, named along {len(steps)} axes",
        kernel="tk_take_nd",
        record="tk_take_nd_layer",
        fields=(
            ("taken", taken),
            ("places", places),
            ("run", size * np.dtype(source.dtype).itemsize),
            ("axes", len(steps)),
            *((f"step[{axis}]", step) for axis, step in enumerate(steps)),
        ),
        inputs=(operator.inputs[0], operator.inputs[1]),
        outputs=operator.outputs,
    )


KIND = OpKind(
    tflite.GatherNdOptions,
    shared.no_options,
    _check,
    _evaluate,
    _lower,
    f"int32 positions on at most {_MOST_AXES} axes",
)
