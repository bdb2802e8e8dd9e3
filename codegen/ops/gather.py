"""GATHER: places of an axis by their numbers, as an embedding looks up words."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator

Shape = tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Gather:
    """Attributes of GATHER."""

    axis: int
    batch_dims: int


def _read(options: Any) -> Gather:
    return Gather(options.Axis(), options.BatchDims()) if options is not None else Gather(0, 0)


@dataclass(frozen=True, slots=True)
class _Sizes:
    """See the input as (batches, outer, places, inner), the output with what is taken of places."""

    batches: int
    outer: int
    places: int
    taken: int
    inner: int


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    if operator.inputs[1] is None:
        raise RefusedError("has no positions", shared.QUANTIZE)
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), ("int8", "float32"))
    positions = graph.tensor(operator.inputs[1])
    if positions.dtype != "int32":
        raise RefusedError(f"has {positions.dtype} positions, TFLM int32", shared.QUANTIZE)
    axis, batch = _axes(graph, operator)
    shape = (*source.shape[:axis], *positions.shape[batch:], *source.shape[axis + 1 :])
    moving.refuse_other_shape(target, shape)
    if positions.data is not None:
        low, high = int(positions.data.min()), int(positions.data.max())
        if low < 0 or high >= source.shape[axis]:
            raise RefusedError(f"takes {low} to {high} of {source.shape[axis]}", shared.QUANTIZE)
        if not batch:
            moving.refuse_unlowerable(graph, [_copy(graph, operator)])


def _axes(graph: Graph, operator: Operator) -> tuple[int, int]:
    """Return the axis, and how many axes in front of it both inputs share."""
    source, positions = graph.tensor(operator.inputs[0]).shape, graph.tensor(operator.inputs[1])
    attributes: Gather = operator.attributes
    axis = moving.positive_axis(attributes.axis, len(source))
    batch = attributes.batch_dims
    batch += len(positions.shape) if batch < 0 else 0
    shared_axes = positions.shape[: max(batch, 0)]
    if not 0 <= batch <= min(axis, len(positions.shape)) or source[:batch] != shared_axes:
        raise RefusedError(f"shares {batch} axes up to the axis {axis}", shared.QUANTIZE)
    return axis, batch


def _sizes(graph: Graph, operator: Operator) -> _Sizes:
    source, positions = graph.tensor(operator.inputs[0]).shape, graph.tensor(operator.inputs[1])
    axis, batch = _axes(graph, operator)
    parts = (source[:batch], source[batch:axis], positions.shape[batch:], source[axis + 1 :])
    batches, outer, taken, inner = (int(np.prod(part, dtype=np.int64)) for part in parts)
    return _Sizes(batches, outer, source[axis], taken, inner)


def _copy(graph: Graph, operator: Operator) -> moving.Copy:
    """Take constant positions, which are known to be inside."""
    sizes, data = _sizes(graph, operator), graph.tensor(operator.inputs[1]).data
    assert operator.inputs[0] is not None
    assert data is not None
    axes = (
        moving.Axis(sizes.outer, sizes.places * sizes.inner, sizes.taken * sizes.inner),
        moving.Axis(sizes.taken, sizes.inner, sizes.inner, tuple(int(n) for n in data.ravel())),
        moving.Axis(sizes.inner, 1, 1),
    )
    return moving.Copy(operator.inputs[0], operator.outputs[0], axes)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    sizes = _sizes(graph, operator)
    source = values[0].reshape(sizes.batches, sizes.outer, sizes.places, sizes.inner)
    positions = np.clip(values[1], 0, sizes.places - 1).reshape(sizes.batches, sizes.taken)
    found = [part[:, taken] for part, taken in zip(source, positions, strict=True)]
    return (np.stack(found).reshape(graph.tensor(operator.outputs[0]).shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer | tuple[Layer, ...]:
    source, positions = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    if positions.data is not None and not _axes(graph, operator)[1]:
        return moving.layers(graph, operator, [_copy(graph, operator)])
    sizes = _sizes(graph, operator)
    assert operator.inputs[0] is not None
    assert operator.inputs[1] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{sizes.taken} of {sizes.places} places, {sizes.batches * sizes.outer} times",
        kernel="tk_take",
        record="tk_take_layer",
        fields=(
            ("batches", sizes.batches),
            ("outer", sizes.outer),
            ("places", sizes.places),
            ("taken", sizes.taken),
            ("run", sizes.inner * np.dtype(source.dtype).itemsize),
        ),
        inputs=(operator.inputs[0], operator.inputs[1]),
        outputs=operator.outputs,
    )


KIND = OpKind(tflite.GatherOptions, _read, _check, _evaluate, _lower, "int32 positions")
