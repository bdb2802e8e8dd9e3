"""SPLIT, SPLIT_V and UNPACK: one tensor into several, along an axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator

_DTYPES = ("int8", "int16", "float32", "int32")
_MOST_OUTPUTS = 1 << 12  # of one operator
_SOURCE = {"SPLIT": 1, "SPLIT_V": 0, "UNPACK": 0}  # which input is split
_AXIS = {"SPLIT": 0, "SPLIT_V": 2}  # which input says where


@dataclass(frozen=True, slots=True)
class Split:
    """Attributes of all three; the axis of the first two is an input."""

    outputs: int
    axis: int


def _read_split(options: Any) -> Split:
    return Split(options.NumSplits() if options is not None else 0, 0)


def _read_unpack(options: Any) -> Split:
    return Split(options.Num(), options.Axis()) if options is not None else Split(0, 0)


def _check(graph: Graph, operator: Operator) -> None:
    arity = {"SPLIT": 2, "SPLIT_V": 3, "UNPACK": 1}[operator.kind]
    if not 1 <= len(operator.outputs) <= _MOST_OUTPUTS:
        raise RefusedError(f"has {len(operator.outputs)} outputs", "split in several steps")
    shared.refuse_other_arity(operator, (arity,), len(operator.outputs))
    if operator.inputs[_SOURCE[operator.kind]] is None:
        raise RefusedError("has no input", shared.QUANTIZE)
    source = graph.tensor(operator.inputs[_SOURCE[operator.kind]])
    targets = [graph.tensor(number) for number in operator.outputs]
    moving.refuse_unmovable(operator, (source, *targets), _DTYPES)
    attributes: Split = operator.attributes
    if attributes.outputs != len(targets) or len(set(operator.outputs)) != len(targets):
        raise RefusedError(
            f"splits into {attributes.outputs}, {len(targets)} outputs", shared.QUANTIZE
        )
    axis = _axis(graph, operator)
    for target, length in zip(targets, _lengths(graph, operator), strict=True):
        shape = list(source.shape)
        shape[axis] = length
        if operator.kind == "UNPACK":
            del shape[axis]
        moving.refuse_other_shape(target, shape)


def _axis(graph: Graph, operator: Operator) -> int:
    rank = len(graph.tensor(operator.inputs[_SOURCE[operator.kind]]).shape)
    attributes: Split = operator.attributes
    if operator.kind not in _AXIS:
        return moving.positive_axis(attributes.axis, rank)
    axes = moving.constants(graph, operator.inputs[_AXIS[operator.kind]], "axis")
    return moving.positive_axis(axes[0], rank)


def _lengths(graph: Graph, operator: Operator) -> list[int]:
    """Return how long each output is on the axis; proves that they are the whole of it."""
    source = graph.tensor(operator.inputs[_SOURCE[operator.kind]])
    whole, count = source.shape[_axis(graph, operator)], len(operator.outputs)
    if operator.kind == "SPLIT_V":
        lengths = moving.constants(graph, operator.inputs[1], "sizes")
        rest = whole - sum(length for length in lengths if length >= 0)
        lengths = [rest if length == -1 else length for length in lengths]
    else:
        lengths = [whole // count] * count
    if len(lengths) != count or sum(lengths) != whole or min(lengths) < 1:
        raise RefusedError(f"splits {whole} into {lengths}", shared.QUANTIZE)
    if operator.kind == "UNPACK" and lengths[0] != 1:
        raise RefusedError(f"unpacks {count} of {whole}", shared.QUANTIZE)
    return lengths


def _copies(graph: Graph, operator: Operator) -> list[moving.Copy]:
    number = operator.inputs[_SOURCE[operator.kind]]
    assert number is not None
    axis, whole = _axis(graph, operator), graph.tensor(number).shape
    read, start, copies = moving.steps(whole), 0, []
    for target, length in zip(operator.outputs, _lengths(graph, operator), strict=True):
        part = list(whole)
        part[axis] = length
        axes = tuple(map(moving.Axis, part, read, moving.steps(part)))
        copies.append(moving.Copy(number, target, axes, start * read[axis]))
        start += length
    return copies


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    ends = np.cumsum(_lengths(graph, operator))[:-1]
    parts = np.split(values[_SOURCE[operator.kind]], ends, _axis(graph, operator))
    return tuple(
        part.reshape(graph.tensor(number).shape)
        for part, number in zip(parts, operator.outputs, strict=True)
    )


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, _copies(graph, operator))


_LIMITS = f"a constant axis, up to {_MOST_OUTPUTS} outputs; int16 too"
SPLIT = OpKind(tflite.SplitOptions, _read_split, _check, _evaluate, _lower, _LIMITS)
SPLIT_V = OpKind(tflite.SplitVOptions, _read_split, _check, _evaluate, _lower, _LIMITS)
UNPACK = OpKind(tflite.UnpackOptions, _read_unpack, _check, _evaluate, _lower, _LIMITS)
