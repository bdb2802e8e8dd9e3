"""CUMSUM: each value's sum with all that come before it, or behind it, along an axis."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import apart
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.codegen.ops.add_n import refuse_other_tensors, total
from tinykit.core.graph import Graph, Operator


@dataclass(frozen=True, slots=True)
class Cumsum:
    """Attributes of CUMSUM.

    Attributes:
        exclusive: a value is not part of its own sum.
        reverse: sums are those of what comes behind.
    """

    exclusive: bool
    reverse: bool


def _read(options: Any) -> Cumsum:
    if options is None:
        return Cumsum(exclusive=False, reverse=False)
    return Cumsum(bool(options.Exclusive()), bool(options.Reverse()))


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    refuse_other_tensors(source, target)
    _axis(graph, operator)


def _axis(graph: Graph, operator: Operator) -> int:
    axes = moving.constants(graph, operator.inputs[1], "axis")
    if len(axes) != 1:
        raise RefusedError(f"sums along the axes {axes}", "sum along one axis after the other")
    return moving.positive_axis(axes[0], len(graph.tensor(operator.inputs[0]).shape))


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    axis, attributes = _axis(graph, operator), operator.attributes
    terms = values[0].astype(np.int64) - source.zero_point
    ordered = np.flip(terms, axis) if attributes.reverse else terms
    sums = np.cumsum(ordered, axis)
    sums = np.flip(sums, axis) if attributes.reverse else sums
    sums = sums - terms if attributes.exclusive else sums
    return (total(source, target).finished(np.asarray(sums)).astype(np.int8),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    fields = (total(source, target).field(), ("lines", _lines(graph, operator)))
    return _layer(graph, operator, "tk_cumsum_s8", "tk_cumsum_layer", fields)


def _check_floats(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), ("float32",))
    moving.refuse_other_shape(target, source.shape)
    _axis(graph, operator)


def _evaluate_floats(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    """Add one number after the other to 0, which makes a zero without a sign of -0."""
    axis, attributes = _axis(graph, operator), operator.attributes
    terms = np.moveaxis(values[0], axis, 0)
    terms = terms[::-1] if attributes.reverse else terms
    with np.errstate(all="ignore"):
        sums = np.add.accumulate(np.concatenate([np.zeros_like(terms[:1]), terms]), axis=0)
    sums = sums[:-1] if attributes.exclusive else sums[1:]
    sums = sums[::-1] if attributes.reverse else sums
    return (np.ascontiguousarray(np.moveaxis(sums, 0, axis)),)


def _lower_floats(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    return _layer(graph, operator, "tk_cumsum_f32", "tk_lines", _lines(graph, operator))


def _lines(graph: Graph, operator: Operator) -> tuple[Field, ...]:
    """Return the members of a tk_lines."""
    shape, axis = graph.tensor(operator.inputs[0]).shape, _axis(graph, operator)
    outer, inner = (
        int(np.prod(part, dtype=np.int64)) for part in (shape[:axis], shape[axis + 1 :])
    )
    return (
        ("outer", outer),
        ("count", shape[axis]),
        ("inner", inner),
        ("exclusive", int(operator.attributes.exclusive)),
        ("reverse", int(operator.attributes.reverse)),
    )


def _layer(
    graph: Graph, operator: Operator, kernel: str, record: str, fields: tuple[Field, ...]
) -> Layer:
    source, axis = graph.tensor(operator.inputs[0]), _axis(graph, operator)
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"running sums of {source.shape[axis]} values in {source.shape}",
        kernel=kernel,
        record=record,
        fields=fields,
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        access=(replace(apart(source.bytes, source.bytes), in_place=True),),
    )


_LIMITS = "a constant axis"
INT8 = OpKind(tflite.CumsumOptions, _read, _check, _evaluate, _lower, _LIMITS)
FLOAT = OpKind(tflite.CumsumOptions, _read, _check_floats, _evaluate_floats, _lower_floats)
