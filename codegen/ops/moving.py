"""Copies: how an operator that moves elements becomes records of tk_copy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from tinykit.codegen.access import Access, Ints, apart, moved
from tinykit.codegen.layer import Field, Layer, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.core.graph import Graph, Operator, Tensor

OUTSIDE = -1  # an index that reads nothing
MOST_AXES = 5  # TK_COPY_AXES
MOST_INDEX = 0xFFFE  # TK_OUTSIDE is one more
_MOST_PARTS = 64  # kernel calls that one copy may take
_MOST_RUNS = 1 << 20  # more are not looked at one by one: no microcontroller holds them


@dataclass(frozen=True, slots=True)
class Axis:
    """Hold one axis of a copy.

    Attributes:
        count: places.
        read, write: the distance between places, in elements.
        index: which source place each place reads, OUTSIDE for none; None for 0, 1, 2, ..
    """

    count: int
    read: int
    write: int
    index: tuple[int, ...] | None = None


@dataclass(frozen=True, slots=True)
class Copy:
    """Hold a copy from one tensor to another.

    Attributes:
        source, target: tensor numbers.
        axes: the outermost first.
        read, write: where place 0 of all axes lies, in elements.
        fill: the byte that is written where nothing is read.
    """

    source: int
    target: int
    axes: tuple[Axis, ...]
    read: int = 0
    write: int = 0
    fill: int = 0


def steps(shape: Sequence[int]) -> tuple[int, ...]:
    """Return how many elements lie between neighbours on each axis."""
    found = [1]
    for length in reversed(shape[1:]):
        found.append(found[-1] * length)
    return tuple(reversed(found)) if shape else ()


def refuse_unmovable(operator: Operator, tensors: Sequence[Tensor], dtypes: Sequence[str]) -> None:
    """Raise unless all tensors have one type, and one that TFLM moves with this operator."""
    for tensor in tensors:
        if tensor.dtype not in dtypes or tensor.dtype != tensors[0].dtype:
            raise RefusedError(
                f"moves {tensor.dtype} '{tensor.name}', {operator.kind} of TFLM "
                f"{' and '.join(dtypes)}, all the same",
                shared.QUANTIZE,
            )


def refuse_other_shape(target: Tensor, shape: Sequence[int]) -> None:
    """Raise unless the output has this shape."""
    if target.shape != tuple(shape):
        raise RefusedError(f"makes {target.shape}, not {tuple(shape)}", shared.QUANTIZE)


def constants(graph: Graph, number: int | None, what: str) -> list[int]:
    """Return the numbers of a constant int32 input."""
    if number is None:
        raise RefusedError(f"has no {what}", shared.QUANTIZE)
    tensor = graph.tensor(number)
    if tensor.data is None:
        raise RefusedError(f"computes its {what} '{tensor.name}' at run time", f"use fixed {what}")
    if tensor.dtype != "int32":
        raise RefusedError(f"has {tensor.dtype} {what} '{tensor.name}'", shared.QUANTIZE)
    return [int(value) for value in tensor.data.ravel()]


def positive_axis(axis: int, rank: int) -> int:
    """Count an axis from the front."""
    if not -rank <= axis < rank:
        raise RefusedError(f"has the axis {axis} of {rank}", shared.QUANTIZE)
    return axis % rank


def refuse_unlowerable(graph: Graph, copies: Sequence[Copy]) -> None:
    """Raise if a copy does not fit the kernel's record."""
    for copy in copies:
        _parts(copy, np.dtype(graph.tensor(copy.target).dtype).itemsize)


def layers(graph: Graph, operator: Operator, copies: Sequence[Copy]) -> tuple[Layer, ...]:
    """Make one kernel call a copy; none if all is one view of the first input."""
    if len(copies) == 1 and _is_view(graph, operator, copies[0]):
        return ()
    item = np.dtype(graph.tensor(operator.outputs[0]).dtype).itemsize
    parts = [part for copy in copies for part in _parts(copy, item)]
    return tuple(_layer(graph, operator, copy, number) for number, copy in enumerate(parts, 1))


def whole(graph: Graph, operator: Operator, source: int, target: int) -> Layer:
    """Make the call that copies all of a tensor."""
    copy = Copy(source, target, (Axis(graph.tensor(source).elements, 1, 1),))
    return _layer(graph, operator, copy, 1)


def _is_view(graph: Graph, operator: Operator, copy: Copy) -> bool:
    source, target = graph.tensor(copy.source), graph.tensor(copy.target)
    if copy.source != operator.inputs[0] or source.data is not None:
        return False
    packed = _packed(copy, np.dtype(target.dtype).itemsize)
    return packed.run == source.bytes == target.bytes and packed.read == packed.write == 0


def _layer(graph: Graph, operator: Operator, copy: Copy, part: int) -> Layer:
    source, target = graph.tensor(copy.source), graph.tensor(copy.target)
    name = operator.name if part == 1 else f"{operator.name}_part{part}"
    packed = _packed(copy, np.dtype(target.dtype).itemsize)
    tables = []
    fields: list[Field] = [
        ("axes", len(packed.axes)),
        ("backward", 0),
        ("fill", copy.fill),
        ("run", packed.run),
        ("src_start", packed.read),
        ("dst_start", packed.write),
    ]
    for i, axis in enumerate(packed.axes):
        members: list[Field] = [
            ("count", axis.count),
            ("src_step", axis.read),
            ("dst_step", axis.write),
        ]
        if axis.index is not None:
            index = np.array(axis.index, np.int64).astype(np.uint16)  # OUTSIDE becomes TK_OUTSIDE
            tables.append(Table(f"index{i}", index, "indices"))
            members.append(("index", f"{name}_index{i}"))
        fields.append((f"axis[{i}]", tuple(members)))
    return Layer(
        name=name,
        kind=operator.kind,
        summary=f"{source.shape} to {target.shape} in runs of {packed.run} bytes",
        kernel="tk_copy",
        record="tk_copy_layer",
        fields=tuple(fields),
        tables=tuple(tables),
        inputs=(copy.source,),
        outputs=(copy.target,),
        access=(_access(packed, source, target),),
    )


@dataclass(frozen=True, slots=True)
class _Packed:
    """Hold a copy in bytes, with as few axes as can be; the last is never empty."""

    axes: tuple[Axis, ...]
    run: int
    read: int
    write: int


def _packed(copy: Copy, item: int) -> _Packed:
    read = copy.read
    plain: list[Axis] = []
    for axis in copy.axes:
        offset, axis = _without_index(axis)
        read += offset
        if axis.count > 1 or axis.index is not None:
            plain.append(axis)
    axes: list[Axis] = []
    for axis in plain:
        if axes and _merge(axes[-1], axis):
            axes[-1] = replace(axis, count=axes[-1].count * axis.count)
        else:
            axes.append(axis)
    run = axes.pop().count if axes and axes[-1] == Axis(axes[-1].count, 1, 1) else 1
    sized = tuple(replace(a, read=a.read * item, write=a.write * item) for a in axes)
    return _Packed(sized or (Axis(1, 0, 0),), run * item, read * item, copy.write * item)


def _parts(copy: Copy, item: int) -> list[Copy]:
    """Return the copy, or one for each place of a short axis where the kernel has too few axes."""
    axes = len(_packed(copy, item).axes)
    if axes <= MOST_AXES:
        return [copy]
    long = [i for i, axis in enumerate(copy.axes[:-1]) if axis.count > 1]
    shortest = min(long, key=lambda i: copy.axes[i].count)
    parts = [part for place in _places(copy, shortest) for part in _parts(place, item)]
    if len(parts) > _MOST_PARTS:
        raise RefusedError(f"moves {axes} axes at once, the most is {MOST_AXES}", _TWICE)
    return parts


def _places(copy: Copy, number: int) -> list[Copy]:
    """Return a copy for each place of an axis, all of which read something."""
    axis = copy.axes[number]
    index = axis.index or range(axis.count)
    assert OUTSIDE not in index
    rest = replace(copy, axes=copy.axes[:number] + copy.axes[number + 1 :])
    return [
        replace(rest, read=copy.read + index[k] * axis.read, write=copy.write + k * axis.write)
        for k in range(axis.count)
    ]


_TWICE = "move fewer axes at once"


def _without_index(axis: Axis) -> tuple[int, Axis]:
    """Return the start of an axis and the axis, whose index is gone if its steps are equal."""
    if axis.index is None:
        return 0, axis
    if max(axis.index) > MOST_INDEX:
        raise RefusedError(f"reads place {max(axis.index)}, the most is {MOST_INDEX}", _TWICE)
    step = axis.index[1] - axis.index[0] if axis.count > 1 else 0
    even = tuple(axis.index[0] + i * step for i in range(axis.count))
    if min(axis.index) == OUTSIDE or even != axis.index:
        return 0, axis
    return axis.index[0] * axis.read, Axis(axis.count, step * axis.read, axis.write)


def _merge(outer: Axis, inner: Axis) -> bool:
    """Tell whether two axes are one: the outer goes on where the inner ends."""
    if outer.index is not None or inner.index is not None:
        return False
    return outer.read == inner.count * inner.read and outer.write == inner.count * inner.write


def _access(packed: _Packed, source: Tensor, target: Tensor) -> Access:
    counts = [axis.count for axis in packed.axes]
    if int(np.prod(counts, dtype=np.int64)) > _MOST_RUNS:
        return apart(source.bytes, target.bytes)
    reads, writes = np.array([packed.read], np.int64), np.array([packed.write], np.int64)
    for axis in packed.axes:
        places = np.arange(axis.count, dtype=np.int64)
        index = places if axis.index is None else np.array(axis.index, np.int64)
        reads = _spread(reads, np.where(index < 0, OUTSIDE, index * axis.read), index < 0)
        writes = (writes[:, None] + places * axis.write).ravel()
    return moved(reads, writes, packed.run)


def _spread(
    reads: Ints, offsets: Ints, outside: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> Ints:
    found = reads[:, None] + offsets[None, :]
    nothing = (reads < 0)[:, None] | outside[None, :]
    return np.asarray(np.where(nothing, OUTSIDE, found).ravel(), np.int64)
