"""EQUAL, NOT_EQUAL, LESS, LESS_EQUAL, GREATER and GREATER_EQUAL: bool of two tensors."""

from collections.abc import Callable
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import binary, broadcast, shared
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_LESS, _EQUAL, _GREATER, _UNORDERED = 1, 2, 4, 8  # TK_LESS to TK_UNORDERED
_HEADROOM_BITS = 8  # of int8 values before they are rescaled
_SUFFIXES = {"bool": "s8", "int8": "s8", "int32": "s32", "float32": "f32"}


def _pair(tensor: Tensor) -> tuple[int, int]:
    """Return the multiplier and shift that bring an int8 value to its real scale."""
    return fixedpoint.quantize_multiplier(tensor.scale if tensor.dtype == "int8" else 1.0)


def _check(graph: Graph, operator: Operator, dtypes: tuple[str, ...]) -> None:
    shared.refuse_other_arity(operator, (2,))
    if operator.inputs[1] is None:
        raise RefusedError("has one input", shared.QUANTIZE)
    left, right, target = _tensors(graph, operator)
    for tensor in (left, right):
        if tensor.dtype not in dtypes or tensor.dtype != left.dtype:
            raise RefusedError(
                f"compares the {tensor.dtype} tensor '{tensor.name}'", f"cast to {dtypes[-1]}"
            )
    if left.dtype == "int8":
        shared.refuse_not_int8(left, right)
        binary.check_below_one((left.scale, right.scale))
    if target.dtype != "bool":
        raise RefusedError(f"makes {target.dtype}, TFLM bool", shared.QUANTIZE)
    broadcast.refuse_repeated_beyond(4, (left, right), target)
    broadcast.broadcast(left, right, target)


def _tensors(graph: Graph, operator: Operator) -> tuple[Tensor, Tensor, Tensor]:
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    return left, right, graph.tensor(operator.outputs[0])


def _evaluate(graph: Graph, operator: Operator, values: Arrays, truth: int) -> Arrays:
    left, right, target = _tensors(graph, operator)
    a, b = values
    if left.dtype == "int8":
        a, b = (
            fixedpoint.requantize(
                (value.astype(np.int64) - tensor.zero_point) << _HEADROOM_BITS, *_pair(tensor)
            )
            for value, tensor in ((a, left), (b, right))
        )
    relation = np.where(a < b, _LESS, np.where(a > b, _GREATER, _UNORDERED))
    relation = np.where(a == b, _EQUAL, relation)
    return (((relation & truth) != 0).reshape(target.shape),)


def _lower(graph: Graph, operator: Operator, truth: int) -> Layer:
    left, right, target = _tensors(graph, operator)
    suffix, walk = _SUFFIXES[left.dtype], broadcast.broadcast(left, right, target)
    first, second = operator.inputs
    assert first is not None and second is not None
    fields: tuple[Field, ...] = (walk.field(operator.name), ("truth", truth))
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"comparison of {left.elements} and {right.elements} {left.dtype} values",
        kernel=f"tk_compare_{suffix}",
        record="tk_compare_s8_layer" if suffix == "s8" else "tk_compare_layer",
        fields=_with_scales(fields, left, right) if suffix == "s8" else fields,
        inputs=(first, second),
        outputs=operator.outputs,
        tables=walk.tables(),
        access=broadcast.access(left, right, target),
    )


def _with_scales(fields: tuple[Field, ...], left: Tensor, right: Tensor) -> tuple[Field, ...]:
    (a, a_shift), (b, b_shift) = _pair(left), _pair(right)
    return (
        ("compare", fields),
        ("a_zero", left.zero_point),
        ("b_zero", right.zero_point),
        ("a_shift", a_shift),
        ("b_shift", b_shift),
        ("a_multiplier", a),
        ("b_multiplier", b),
    )


def _kind(options: Callable[[], Any], truth: int, dtypes: tuple[str, ...]) -> OpKind:
    def check(graph: Graph, operator: Operator) -> None:
        _check(graph, operator, dtypes)

    def evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
        return _evaluate(graph, operator, values, truth)

    def lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
        return _lower(graph, operator, truth)

    limits = f"{', '.join(dtypes)}; at most 6 dimensions"
    return OpKind(options, shared.no_options, check, evaluate, lower, limits)


_ORDERED = ("int8", "int32", "float32")
_ANY = ("bool", *_ORDERED)

EQUAL = _kind(tflite.EqualOptions, _EQUAL, _ANY)
NOT_EQUAL = _kind(tflite.NotEqualOptions, _LESS | _GREATER | _UNORDERED, _ANY)
LESS = _kind(tflite.LessOptions, _LESS, _ORDERED)
LESS_EQUAL = _kind(tflite.LessEqualOptions, _LESS | _EQUAL, _ORDERED)
GREATER = _kind(tflite.GreaterOptions, _GREATER, _ORDERED)
GREATER_EQUAL = _kind(tflite.GreaterEqualOptions, _GREATER | _EQUAL, _ORDERED)
