"""MEAN, SUM, REDUCE_MAX and REDUCE_MIN: one number of all values along some axes."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.codegen.ops.width import refuse_other_activations, width_of
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator

_MOST_VALUES = {"int8": 1 << 16, "int16": 1 << 15}  # one sum stays below 2**24, or 2**30
_GRID_LOOPS = 2  # tk_grid
_MOST_LOOPS = 3  # a cube's; more cannot come from the dimensions that TFLM has


@dataclass(frozen=True, slots=True)
class Reduce:
    """Attributes of all four; the axes are their second input."""

    keep_dims: bool


@dataclass(frozen=True, slots=True)
class _Loop:
    """Hold one loop over a tensor: how often, and how far apart."""

    count: int
    step: int


def _read(options: Any) -> Reduce:
    return Reduce(bool(options.KeepDims()) if options is not None else False)


def _axes(graph: Graph, operator: Operator) -> tuple[int, ...]:
    rank = len(graph.tensor(operator.inputs[0]).shape)
    axes = moving.constants(graph, operator.inputs[1], "axes")
    return tuple(sorted({moving.positive_axis(axis, rank) for axis in axes}))


def _loops(graph: Graph, operator: Operator) -> tuple[list[_Loop], list[_Loop]]:
    """Return the loops over the kept and over the reduced axes, neighbours as one."""
    shape, axes = graph.tensor(operator.inputs[0]).shape, _axes(graph, operator)
    loops: tuple[list[_Loop], list[_Loop]] = ([], [])
    last: list[_Loop] | None = None
    for axis, (length, step) in enumerate(zip(shape, moving.steps(shape), strict=True)):
        if length == 1:
            continue
        mine = loops[axis in axes]
        count = mine.pop().count if mine is last else 1
        mine.append(_Loop(count * length, step))
        last = mine
    return loops


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    refuse_other_activations(source, target)
    axes, attributes = _axes(graph, operator), operator.attributes
    kept = [1 if a in axes else n for a, n in enumerate(source.shape)]
    if not attributes.keep_dims:
        kept = [n for a, n in enumerate(source.shape) if a not in axes]
    moving.refuse_other_shape(target, kept)
    if any(len(loops) > _MOST_LOOPS for loops in _loops(graph, operator)):
        raise RefusedError(f"reduces the axes {axes} of {source.shape}", "reduce in two steps")
    if source.elements // target.elements > _MOST_VALUES[source.dtype]:
        values = source.elements // target.elements
        raise RefusedError(f"reduces {values} values at once", "reduce in two steps")


def _check_sum(graph: Graph, operator: Operator) -> None:
    _check(graph, operator)
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_large_factors([source.scale / target.scale])


def _check_extreme(graph: Graph, operator: Operator) -> None:
    _check(graph, operator)
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source)
    shared.refuse_other_scale(source, target, 0.0)


def _count(graph: Graph, operator: Operator) -> int:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    return source.elements // target.elements


def _multiplier(graph: Graph, operator: Operator) -> tuple[int, int]:
    """Fold 1 / count of a MEAN into the scale, as tflite::reference_ops::QuantizedMeanOrSum."""
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    multiplier, shift = fixedpoint.quantize_multiplier(source.scale / target.scale)
    if operator.kind == "SUM":
        return multiplier, shift
    count = _count(graph, operator)
    up = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << up) // count, shift - up


def _evaluate_sum(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    centred = values[0].astype(np.int64) - source.zero_point
    sums = np.asarray(centred.sum(axis=_axes(graph, operator)), np.int64)
    scaled = fixedpoint.requantize(sums, *_multiplier(graph, operator))
    width = width_of(target)
    result = np.clip(scaled + target.zero_point, width.low, width.high).astype(width.dtype)
    return (result.reshape(target.shape),)


def _evaluate_max(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    result = np.asarray(values[0].max(axis=_axes(graph, operator)))
    return (result.reshape(graph.tensor(operator.outputs[0]).shape),)


def _evaluate_min(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    result = np.asarray(values[0].min(axis=_axes(graph, operator)))
    return (result.reshape(graph.tensor(operator.outputs[0]).shape),)


def _lower_sum(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    multiplier, shift = _multiplier(graph, operator)
    fields: tuple[Field, ...] = (
        ("in_offset", -source.zero_point * _count(graph, operator)),
        ("out_zero", target.zero_point),
        ("multiplier", multiplier),
        ("shift", shift),
    )
    kernel = width_of(target).kernel("tk_reduce_sum_s8")
    return _layer(graph, operator, kernel, "tk_reduce_sum_layer", fields)


def _lower_max(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    return _layer(graph, operator, "tk_reduce_max_s8", "tk_reduce_max_layer", (("flip", 0),))


def _lower_min(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    return _layer(graph, operator, "tk_reduce_max_s8", "tk_reduce_max_layer", (("flip", -1),))


def _layer(
    graph: Graph, operator: Operator, kernel: str, record: str, fields: tuple[Field, ...]
) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    kept, reduced = _loops(graph, operator)
    fields = (*fields, _grid("kept", kept[-_GRID_LOOPS:]), _grid("reduced", reduced[-_GRID_LOOPS:]))
    if max(len(kept), len(reduced)) > _GRID_LOOPS:
        kernel, record = _cube(kernel), record.replace("_layer", "_cube_layer")
        fields = (*_outermost("kept", kept), *_outermost("reduced", reduced), ("grid", fields))
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"of {_count(graph, operator)} values, {target.elements} times",
        kernel=kernel,
        record=record,
        fields=fields,
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        # an output's place is never behind the first value that it or a later one is made of
        access=(one_by_one(source.bytes),),
    )


def _grid(name: str, loops: list[_Loop]) -> Field:
    outer, inner = [*[_Loop(1, 0)] * (_GRID_LOOPS - len(loops)), *loops]
    return (
        name,
        (
            ("outer", outer.count),
            ("outer_step", outer.step),
            ("inner", inner.count),
            ("inner_step", inner.step),
        ),
    )


def _cube(kernel: str) -> str:
    """Return the name of a kernel with one loop more."""
    name, _, width = kernel.rpartition("_")
    return f"{name}_cube_{width}"


def _outermost(name: str, loops: list[_Loop]) -> tuple[Field, ...]:
    """Return the loop around a grid."""
    outermost = loops[0] if len(loops) > _GRID_LOOPS else _Loop(1, 0)
    return (name, outermost.count), (f"{name}_step", outermost.step)


_LIMITS = "constant axes"
_WIDE_LIMITS = f"{_LIMITS}; int16 too"
_OPTIONS = tflite.ReducerOptions
MEAN = OpKind(_OPTIONS, _read, _check_sum, _evaluate_sum, _lower_sum, _WIDE_LIMITS)
SUM = OpKind(_OPTIONS, _read, _check_sum, _evaluate_sum, _lower_sum, _WIDE_LIMITS)
REDUCE_MAX = OpKind(_OPTIONS, _read, _check_extreme, _evaluate_max, _lower_max, _LIMITS)
REDUCE_MIN = OpKind(_OPTIONS, _read, _check_extreme, _evaluate_min, _lower_min, _LIMITS)
