"""Operators of one float32 value that TFLM computes exactly, or with the rounding of IEEE 754."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.core.graph import Graph, Operator

Floats = NDArray[np.float32]
_ONE, _ZERO = np.float32(1), np.float32(0)


@dataclass(frozen=True, slots=True)
class _Function:
    """Hold what differs between the operators.

    Attributes:
        what: its name for a person.
        kernel, record: the C function and its record, whose first member is the count.
        compute: the answers for values and the operator's attributes.
        members: the record's other members.
    """

    what: str
    kernel: str
    record: str
    compute: Callable[[Floats, Any], Floats]
    members: Callable[[Any], tuple[Field, ...]]


def _no_members(_attributes: Any) -> tuple[Field, ...]:
    return ()


def _relu_members(_attributes: Any) -> tuple[Field, ...]:
    return ("min", "0.0f"), ("max", "__builtin_inff()")


def _relu6_members(_attributes: Any) -> tuple[Field, ...]:
    return ("min", "0.0f"), ("max", "6.0f")


def _leaky_members(attributes: Any) -> tuple[Field, ...]:
    return (("slope", f"{attributes.alpha.hex()}f"),)


def _absolute(x: Floats, _attributes: Any) -> Floats:
    return np.abs(x)


def _negate(x: Floats, _attributes: Any) -> Floats:
    return np.negative(x)


def _square(x: Floats, _attributes: Any) -> Floats:
    return x * x


def _root(x: Floats, _attributes: Any) -> Floats:
    return np.sqrt(x)


def _floor(x: Floats, _attributes: Any) -> Floats:
    return np.floor(x)


def _ceiling(x: Floats, _attributes: Any) -> Floats:
    return np.ceil(x)


def _nearest(x: Floats, _attributes: Any) -> Floats:
    """Round halves to even as TFLM does, which makes a zero without a sign of small negatives."""
    below = np.floor(x)
    rest = x - below
    even = np.where(np.isfinite(below), np.remainder(below, np.float32(2)) == 0, False)
    half = np.float32(0.5)
    return np.where((rest < half) | ((rest == half) & even), below, below + _ONE)


def _reciprocal_root(x: Floats, _attributes: Any) -> Floats:
    return np.asarray(_ONE / np.sqrt(x))


def _relu(x: Floats, _attributes: Any) -> Floats:
    return np.where(x < _ZERO, _ZERO, x)


def _relu6(x: Floats, _attributes: Any) -> Floats:
    return np.where(x > np.float32(6), np.float32(6), np.where(x < _ZERO, _ZERO, x))


def _leaky(x: Floats, attributes: Any) -> Floats:
    return np.where(x > _ZERO, x, x * np.float32(attributes.alpha))


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    for tensor in (source, target):
        if tensor.dtype != "float32":
            raise RefusedError(f"has the {tensor.dtype} tensor '{tensor.name}'", _WAY_OUT)
    if source.shape != target.shape:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)


_WAY_OUT = "write it with others: square as v * v, sqrt as v * rsqrt(v + 0.001), negative as 0 - v"


def _check_leaky(graph: Graph, operator: Operator) -> None:
    _check(graph, operator)
    if not np.isfinite(operator.attributes.alpha):
        raise RefusedError(f"has the slope {operator.attributes.alpha}", "use a finite slope")


def _kind(
    function: _Function,
    read: Callable[[Any], Any] = shared.no_options,
    check: Callable[[Graph, Operator], None] = _check,
) -> OpKind:
    def evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
        with np.errstate(all="ignore"):
            found = function.compute(values[0], operator.attributes)
        return (np.asarray(found, np.float32).reshape(graph.tensor(operator.outputs[0]).shape),)

    def lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
        return _layer(function, graph, operator)

    return OpKind(None, read, check, evaluate, lower, "float32")


def _layer(function: _Function, graph: Graph, operator: Operator) -> Layer:
    source = graph.tensor(operator.inputs[0])
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{function.what} of {source.elements} float32 values",
        kernel=function.kernel,
        record=function.record,
        fields=(("count", source.elements), *function.members(operator.attributes)),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        access=(one_by_one(source.bytes),),
    )


def _plain(what: str, kernel: str, compute: Callable[[Floats, Any], Floats]) -> OpKind:
    return _kind(_Function(what, kernel, "tk_values_layer", compute, _no_members))


ABS = _plain("absolute value", "tk_absolute_f32", _absolute)
NEG = _plain("negative", "tk_negate_f32", _negate)
SQUARE = _plain("square", "tk_square_f32", _square)
SQRT = _plain("square root", "tk_root_f32", _root)
CEIL = _plain("ceiling", "tk_ceiling_f32", _ceiling)
FLOOR = _plain("floor", "tk_floor_f32", _floor)
ROUND = _plain("nearest whole number", "tk_nearest_f32", _nearest)
RSQRT = _plain("reciprocal square root", "tk_reciprocal_root_f32", _reciprocal_root)
RELU = _kind(_Function("ReLU", "tk_clip_f32", "tk_clip_f32_layer", _relu, _relu_members))
RELU6 = _kind(_Function("ReLU6", "tk_clip_f32", "tk_clip_f32_layer", _relu6, _relu6_members))
LEAKY_RELU = _kind(
    _Function("leaky ReLU", "tk_leaky_f32", "tk_leaky_f32_layer", _leaky, _leaky_members),
    check=_check_leaky,
)
