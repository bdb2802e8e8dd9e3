"""STRIDED_SLICE and SLICE: a part of a tensor, every few elements of each axis."""

from dataclasses import dataclass
from typing import Any

import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator

_DTYPES = ("int8", "int16", "float32", "int32")
_MOST_RANK = {"STRIDED_SLICE": 4, "SLICE": 5}


@dataclass(frozen=True, slots=True)
class StridedSlice:
    """Attributes of STRIDED_SLICE: one bit an axis."""

    begin_mask: int
    end_mask: int
    shrink_mask: int
    other_masks: int
    offset: bool


@dataclass(frozen=True, slots=True)
class _Range:
    """Hold what is taken of an axis."""

    start: int
    step: int
    count: int
    shrunk: bool = False


def _read(options: Any) -> StridedSlice:
    if options is None:
        return StridedSlice(0, 0, 0, 0, False)
    return StridedSlice(
        options.BeginMask(),
        options.EndMask(),
        options.ShrinkAxisMask(),
        options.EllipsisMask() | options.NewAxisMask(),
        bool(options.Offset()),
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (4,) if operator.kind == "STRIDED_SLICE" else (3,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), _DTYPES)
    if len(source.shape) > _MOST_RANK[operator.kind]:
        raise RefusedError(f"slices {len(source.shape)} axes", "slice fewer axes")
    ranges = _ranges(graph, operator)
    for length, part in zip(source.shape, ranges, strict=True):
        last = part.start + (part.count - 1) * part.step
        if part.count < 1 or not (0 <= part.start < length and 0 <= last < length):
            raise RefusedError(f"takes {part.start} to {last} of {length}", shared.QUANTIZE)
    moving.refuse_other_shape(target, [part.count for part in ranges if not part.shrunk])
    moving.refuse_unlowerable(graph, [_copy(graph, operator)])


def _ranges(graph: Graph, operator: Operator) -> list[_Range]:
    """Return what is taken of each axis."""
    names = ("begin", "end", "strides") if operator.kind == "STRIDED_SLICE" else ("begin", "size")
    numbers = [
        moving.constants(graph, number, name)
        for number, name in zip(operator.inputs[1:], names, strict=True)
    ]
    shape = graph.tensor(operator.inputs[0]).shape
    if any(len(values) != len(shape) for values in numbers):
        raise RefusedError(f"has other than {len(shape)} ranges", shared.QUANTIZE)
    if operator.kind == "SLICE":
        begins, sizes = numbers
        return [
            _Range(begin, 1, length - begin if size == -1 else size)
            for length, begin, size in zip(shape, begins, sizes, strict=True)
        ]
    attributes: StridedSlice = operator.attributes
    if attributes.other_masks or attributes.offset:
        raise RefusedError("has an ellipsis or a new axis, which TFLM ignores", "spell all axes")
    return [
        _strided(attributes, axis, shape[axis], *values)
        for axis, values in enumerate(zip(*numbers, strict=True))
    ]


def _strided(
    attributes: StridedSlice, axis: int, length: int, begin: int, end: int, step: int
) -> _Range:
    """Work out one axis as tflite::strided_slice::StartForAxis and StopForAxis do."""
    if step == 0:
        raise RefusedError("has a stride of 0", shared.QUANTIZE)
    low, high = (0, length) if step > 0 else (-1, length - 1)
    first, behind = (low, high) if step > 0 else (high, low)
    start = _clamped(begin, length, low, high)
    stop = _clamped(end, length, low, high)
    if attributes.begin_mask >> axis & 1:
        start = first
    if attributes.end_mask >> axis & 1:
        stop = behind
    if attributes.shrink_mask >> axis & 1:
        if step < 0:
            raise RefusedError(f"takes one place backward on axis {axis}", "use a stride of 1")
        return _Range(start, 1, 1, shrunk=True)
    return _Range(start, step, -(-(stop - start) // step))


def _clamped(place: int, length: int, low: int, high: int) -> int:
    return min(max(place + length if place < 0 else place, low), high)


def _copy(graph: Graph, operator: Operator) -> moving.Copy:
    number = operator.inputs[0]
    assert number is not None
    ranges = _ranges(graph, operator)
    read = moving.steps(graph.tensor(number).shape)
    write = moving.steps([part.count for part in ranges])
    axes = [
        moving.Axis(part.count, part.step * there, here)
        for part, there, here in zip(ranges, read, write, strict=True)
    ]
    start = sum(part.start * there for part, there in zip(ranges, read, strict=True))
    return moving.Copy(number, operator.outputs[0], tuple(axes), start)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    result = values[0]
    for axis, part in enumerate(_ranges(graph, operator)):
        places = [part.start + i * part.step for i in range(part.count)]
        result = result.take(places, axis)
    return (result.reshape(graph.tensor(operator.outputs[0]).shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, [_copy(graph, operator)])


STRIDED_SLICE = OpKind(
    tflite.StridedSliceOptions,
    _read,
    _check,
    _evaluate,
    _lower,
    "constant ranges, no ellipsis; int16 too",
)
SLICE = OpKind(
    tflite.SliceOptions, shared.no_options, _check, _evaluate, _lower, "constant ranges; int16 too"
)
