"""PAD, PADV2 and MIRROR_PAD: more places around a tensor."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator

_MOST_RANK = 5  # PadKernelMaxDimensionCount
Pairs = list[tuple[int, int]]


@dataclass(frozen=True, slots=True)
class MirrorPad:
    """Attributes of MIRROR_PAD: whether the edge itself is repeated."""

    symmetric: bool


def _read_mirror(options: Any) -> MirrorPad:
    mode = options.Mode() if options is not None else tflite.MirrorPadMode.REFLECT
    return MirrorPad(mode != tflite.MirrorPadMode.REFLECT)


def _check_pad(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2, 3))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), ("int8", "int16", "float32", "int32"))
    if len(source.shape) > _MOST_RANK:
        raise RefusedError(f"pads {len(source.shape)} axes, TFLM up to {_MOST_RANK}", _FEWER)
    if source.dtype == "int8" and len(operator.inputs) == 3:
        _refuse_other_meaning(graph, operator)
    _refuse_other_pads(graph, operator)
    if len(set(_value(graph, operator).tobytes())) > 1:
        raise RefusedError(f"pads {source.dtype} with other than 0", "pad with 0")
    moving.refuse_unlowerable(graph, [_copy(graph, operator, _outside(graph, operator))])


def _refuse_other_meaning(graph: Graph, operator: Operator) -> None:
    value, target = graph.tensor(operator.inputs[2]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(value, target)
    if (value.scale, value.zero_point) != (target.scale, target.zero_point):
        raise RefusedError("pads with a value of another scale, as TFLM cannot", shared.QUANTIZE)


def _check_mirror(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), ("int8", "float32"))
    _refuse_other_pads(graph, operator)
    attributes: MirrorPad = operator.attributes
    for length, pair in zip(source.shape, _pads(graph, operator), strict=True):
        if max(pair) > length - (0 if attributes.symmetric else 1):
            raise RefusedError(f"mirrors {max(pair)} of {length}", "pad less")
    moving.refuse_unlowerable(graph, [_copy(graph, operator, _mirrored(graph, operator))])


_FEWER = "pad fewer axes"


def _pads(graph: Graph, operator: Operator) -> Pairs:
    numbers = moving.constants(graph, operator.inputs[1], "paddings")
    rank = len(graph.tensor(operator.inputs[0]).shape)
    if graph.tensor(operator.inputs[1]).shape != (rank, 2) or min(numbers) < 0:
        raise RefusedError(f"has the paddings {numbers} for {rank} axes", shared.QUANTIZE)
    return list(zip(numbers[::2], numbers[1::2], strict=True))


def _refuse_other_pads(graph: Graph, operator: Operator) -> None:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    pads = _pads(graph, operator)
    shape = [length + sum(pair) for length, pair in zip(source.shape, pads, strict=True)]
    moving.refuse_other_shape(target, shape)
    shared.refuse_large_sizes(1, *(n for n, pair in zip(shape, pads, strict=True) if any(pair)))


def _value(graph: Graph, operator: Operator) -> np.ndarray[Any, Any]:
    """Return what is written around the tensor, as its type has it."""
    target = graph.tensor(operator.outputs[0])
    if len(operator.inputs) == 2 or operator.inputs[2] is None:
        return np.array(target.zero_point, target.dtype)
    value = graph.tensor(operator.inputs[2])
    if value.data is None or value.dtype != target.dtype or value.elements != 1:
        raise RefusedError(f"pads with '{value.name}'", "pad with one constant value")
    return np.asarray(value.data).reshape(())


def _outside(graph: Graph, operator: Operator) -> list[tuple[int, ...] | None]:
    """Return which place each place of the output reads, None where that is itself."""
    shape = graph.tensor(operator.inputs[0]).shape
    return [
        (moving.OUTSIDE,) * before + tuple(range(length)) + (moving.OUTSIDE,) * behind
        if before or behind
        else None
        for length, (before, behind) in zip(shape, _pads(graph, operator), strict=True)
    ]


def _mirrored(graph: Graph, operator: Operator) -> list[tuple[int, ...] | None]:
    shape = graph.tensor(operator.inputs[0]).shape
    attributes: MirrorPad = operator.attributes
    skip = 0 if attributes.symmetric else 1
    return [
        (
            *range(before - 1 + skip, skip - 1, -1),
            *range(length),
            *range(length - 1 - skip, length - 1 - skip - behind, -1),
        )
        if before or behind
        else None
        for length, (before, behind) in zip(shape, _pads(graph, operator), strict=True)
    ]


def _copy(
    graph: Graph, operator: Operator, index: list[tuple[int, ...] | None], fill: int = 0
) -> moving.Copy:
    number, target = operator.inputs[0], operator.outputs[0]
    assert number is not None
    shape = graph.tensor(target).shape
    read, write = moving.steps(graph.tensor(number).shape), moving.steps(shape)
    axes = tuple(map(moving.Axis, shape, read, write, index))
    return moving.Copy(number, target, axes, fill=fill)


def _evaluate_pad(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    value = _value(graph, operator)
    return (np.pad(values[0], _pads(graph, operator), constant_values=value),)


def _evaluate_mirror(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    attributes: MirrorPad = operator.attributes
    pads = _pads(graph, operator)
    if attributes.symmetric:
        return (np.pad(values[0], pads, mode="symmetric"),)
    return (np.pad(values[0], pads, mode="reflect"),)


def _lower_pad(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    fill = int(np.frombuffer(_value(graph, operator).tobytes(), np.int8)[0])
    copy = _copy(graph, operator, _outside(graph, operator), fill)
    return moving.layers(graph, operator, [copy])


def _lower_mirror(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, [_copy(graph, operator, _mirrored(graph, operator))])


_LIMITS = "constant paddings"
_WIDE = f"{_LIMITS}; int16 too"
PAD = OpKind(tflite.PadOptions, shared.no_options, _check_pad, _evaluate_pad, _lower_pad, _WIDE)
PADV2 = OpKind(
    tflite.PadV2Options,
    shared.no_options,
    _check_pad,
    _evaluate_pad,
    _lower_pad,
    "constant paddings and value, of float32, int16 and int32 with equal bytes only",
)
MIRROR_PAD = OpKind(
    tflite.MirrorPadOptions, _read_mirror, _check_mirror, _evaluate_mirror, _lower_mirror, _LIMITS
)
