"""Operators of two int8 or int16 values, either repeated over the other, or constant."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import broadcast, shared
from tinykit.codegen.ops.width import INT8, refuse_other_activations, width_of
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_NONE = tflite.ActivationFunctionType.NONE
_SUM_BITS = {"int8": 20, "int16": 15}  # headroom of the rescaled inputs of ADD and SUB
_SQUARE_BITS = {"int8": 7, "int16": 0}  # and of SQUARED_DIFFERENCE
_MOST_PLAIN_SHIFT = 22  # of tk_round_plain

Factors = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Fused:
    """Attributes of an operator with a fused activation."""

    activation: int = _NONE


@dataclass(frozen=True, slots=True)
class Tensors:
    """Hold both inputs and the output of an operator."""

    left: Tensor
    right: Tensor
    target: Tensor


@dataclass(frozen=True, slots=True)
class _Function:
    """Hold what differs between the operators.

    Attributes:
        what: its name for a person.
        kernel, record: the C function and its record, whose first member is the tk_broadcast.
        factors: what values are rescaled by.
        check: raises RefusedError where TFLM refuses factors, or is undefined.
        members: the names of the record's members for each factor.
        dtypes: that TFLM computes.
        answers: computes the output's integers, not yet clipped, from the inputs' integers and the
            factors as (multiplier, shift).
    """

    what: str
    kernel: str
    record: str
    factors: Callable[[Tensors], Factors]
    check: Callable[[Factors], None]
    members: tuple[str, ...]
    answers: Callable[[Tensors, shared.Ints, shared.Ints, list[tuple[int, int]]], shared.Ints]
    dtypes: tuple[str, ...] = ("int8", "int16")


def _bits(tensors: Tensors, by_dtype: dict[str, int]) -> int:
    return by_dtype[tensors.target.dtype]


def _sum_factors(tensors: Tensors) -> Factors:
    """Return the factors of both inputs and of the sum, as tflite::CalculateOpDataAdd.

    SUB has the same. An older TFLM (2026-08) rounds them to single precision there, which is off by
    a step now and then.
    """
    left, right, target = tensors.left.scale, tensors.right.scale, tensors.target.scale
    twice = 2.0 * max(left, right)
    return left / twice, right / twice, twice / (2.0 ** _bits(tensors, _SUM_BITS) * target)


def _square_factors(tensors: Tensors) -> Factors:
    left, right = tensors.left.scale, tensors.right.scale
    twice = 2.0 * max(left, right)
    target = 4.0 ** _bits(tensors, _SQUARE_BITS) * tensors.target.scale
    return left / twice, right / twice, twice * twice / target


def _product_factors(tensors: Tensors) -> Factors:
    return (tensors.left.scale * tensors.right.scale / tensors.target.scale,)


def _quotient_factors(tensors: Tensors) -> Factors:
    """Return the factor of a quotient, which TFLM computes in single precision."""
    left, right, target = (
        np.float32(tensor.scale) for tensor in (tensors.left, tensors.right, tensors.target)
    )
    with np.errstate(all="ignore"):
        return (float(left / (right * target)),)


def _prelu_factors(tensors: Tensors) -> Factors:
    identity = tensors.left.scale / tensors.target.scale
    return identity, tensors.left.scale * tensors.right.scale / tensors.target.scale


def _no_factors(_tensors: Tensors) -> Factors:
    return ()


def check_below_one(factors: Sequence[float]) -> None:
    """Raise unless TFLM's QuantizeMultiplierSmallerThanOneExp takes every factor."""
    for factor in factors:
        if not 0 < factor < 1 or fixedpoint.quantize_multiplier(factor)[1] > 0:
            raise RefusedError(f"rescales by {factor:g}, TFLM wants less than 1", shared.QUANTIZE)


def _check_square(factors: Factors) -> None:
    check_below_one(factors[:2])
    shared.refuse_large_factors(factors[2:])


def _raised(
    tensors: Tensors,
    a: shared.Ints,
    b: shared.Ints,
    pairs: list[tuple[int, int]],
    headroom: dict[str, int],
) -> tuple[shared.Ints, shared.Ints]:
    """Bring both inputs to one scale, with headroom."""
    bits = _bits(tensors, headroom)
    left = fixedpoint.requantize((a - tensors.left.zero_point) << bits, *pairs[0])
    right = fixedpoint.requantize((b - tensors.right.zero_point) << bits, *pairs[1])
    return left, right


def _sum(
    tensors: Tensors, a: shared.Ints, b: shared.Ints, pairs: list[tuple[int, int]]
) -> shared.Ints:
    left, right = _raised(tensors, a, b, pairs, _SUM_BITS)
    return fixedpoint.requantize(left + right, *pairs[2]) + tensors.target.zero_point


def _difference(
    tensors: Tensors, a: shared.Ints, b: shared.Ints, pairs: list[tuple[int, int]]
) -> shared.Ints:
    left, right = _raised(tensors, a, b, pairs, _SUM_BITS)
    return fixedpoint.requantize(left - right, *pairs[2]) + tensors.target.zero_point


def _squared_difference(
    tensors: Tensors, a: shared.Ints, b: shared.Ints, pairs: list[tuple[int, int]]
) -> shared.Ints:
    left, right = _raised(tensors, a, b, pairs, _SQUARE_BITS)
    return fixedpoint.requantize((left - right) ** 2, *pairs[2]) + tensors.target.zero_point


def _product(
    tensors: Tensors, a: shared.Ints, b: shared.Ints, pairs: list[tuple[int, int]]
) -> shared.Ints:
    product = (a - tensors.left.zero_point) * (b - tensors.right.zero_point)
    return fixedpoint.requantize(product, *pairs[0]) + tensors.target.zero_point


def _headroom(values: shared.Ints) -> shared.Ints:
    """Return how far values can be shifted left: tflite::CountLeadingSignBits."""
    return np.asarray(31 - np.frexp(np.where(values < 0, ~values, values))[1], np.int64)


def _quotient_shifts(left: shared.Ints, right: shared.Ints, shift: int) -> shared.Ints:
    """Return how far a quotient is shifted to the right, for divisors above zero."""
    return _headroom(left) + np.frexp(right)[1] - 1 - shift


def _quotient(
    tensors: Tensors, a: shared.Ints, b: shared.Ints, pairs: list[tuple[int, int]]
) -> shared.Ints:
    """Divide by way of reciprocals: tflite::reference_ops::DivElementwise; by 0 it is 0."""
    left, right = a - tensors.left.zero_point, b - tensors.right.zero_point
    left, right = np.where(right < 0, -left, left), np.maximum(np.abs(right), 1)
    above_one = (right << (32 - np.frexp(right)[1])) - (1 << 31)
    raised = fixedpoint.wrap32(left << _headroom(left))
    unscaled = fixedpoint.high_multiply(raised, fixedpoint.reciprocal_of_one_plus(above_one))
    multiplier, shift = pairs[0]
    scaled = fixedpoint.high_multiply(unscaled, multiplier)
    found = fixedpoint.divide_by_power(scaled, _quotient_shifts(left, right, shift))
    return np.where(b == tensors.right.zero_point, 0, found) + tensors.target.zero_point


def _prelu(
    tensors: Tensors, a: shared.Ints, b: shared.Ints, pairs: list[tuple[int, int]]
) -> shared.Ints:
    value, slope = a - tensors.left.zero_point, b - tensors.right.zero_point
    straight = fixedpoint.requantize(value + 0 * slope, *pairs[0])
    leaked = fixedpoint.requantize(value * slope, *pairs[1])
    return np.where(value >= 0, straight, leaked) + tensors.target.zero_point


def _maximum(
    _tensors: Tensors, a: shared.Ints, b: shared.Ints, _pairs: list[tuple[int, int]]
) -> shared.Ints:
    return np.maximum(a, b)


def _minimum(
    _tensors: Tensors, a: shared.Ints, b: shared.Ints, _pairs: list[tuple[int, int]]
) -> shared.Ints:
    return np.minimum(a, b)


def _read_fused(options: Any) -> Fused:
    return Fused(options.FusedActivationFunction() if options is not None else _NONE)


def _read_nothing(_options: Any) -> Fused:
    return Fused()


def _tensors(graph: Graph, operator: Operator) -> Tensors:
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    return Tensors(left, right, graph.tensor(operator.outputs[0]))


def _check(function: _Function, graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    if operator.inputs[1] is None:
        raise RefusedError("has one input", shared.QUANTIZE)
    tensors = _tensors(graph, operator)
    refuse_other_activations(tensors.target, tensors.left, tensors.right)
    if tensors.target.dtype not in function.dtypes:
        raise RefusedError(f"has the {tensors.target.dtype} output", "quantize to int8")
    shared.refuse_unknown_activation(operator.attributes.activation, tensors.target)
    broadcast.broadcast(tensors.left, tensors.right, tensors.target)
    function.check(function.factors(tensors))


def _check_quotient(graph: Graph, operator: Operator) -> None:
    """Raise, too, where TFLM shifts some quotient by more bits than it has."""
    _check(_QUOTIENT, graph, operator)
    tensors = _tensors(graph, operator)
    if tensors.right.data is not None and np.any(tensors.right.data == tensors.right.zero_point):
        raise RefusedError(f"divides by the zeros of '{tensors.right.name}'", "leave zeros out")
    every = np.arange(INT8.low, INT8.high + 1)
    right = np.abs(every - tensors.right.zero_point)
    (factor,) = _quotient_factors(tensors)
    shift = fixedpoint.quantize_multiplier(factor)[1]
    sources = every - tensors.left.zero_point
    left = np.concatenate([sources, -sources])[:, None]
    shifts = _quotient_shifts(left, right[right > 0], shift)
    if shifts.min() < 0 or shifts.max() > 31:
        raise RefusedError(
            f"rescales quotients by {factor:g}, where TFLM shifts by up to {shifts.max()} bits, "
            "beyond int32",
            "divide in float32, or multiply with the reciprocal",
        )


def _evaluate(function: _Function, graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    tensors = _tensors(graph, operator)
    pairs = [fixedpoint.quantize_multiplier(f) for f in function.factors(tensors)]
    a, b = (value.astype(np.int64) for value in values)
    answers = function.answers(tensors, a, b, pairs)
    low, high = shared.activation_range(operator.attributes.activation, tensors.target)
    clipped = np.clip(answers, low, high).astype(tensors.target.dtype)
    return (clipped.reshape(tensors.target.shape),)


def _lower(function: _Function, graph: Graph, operator: Operator) -> Layer:
    tensors = _tensors(graph, operator)
    walk = broadcast.broadcast(tensors.left, tensors.right, tensors.target)
    left, right = operator.inputs
    width = width_of(tensors.target)
    assert left is not None and right is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{function.what} of {tensors.left.elements} and {tensors.right.elements} values",
        kernel=width.kernel(function.kernel),
        record=width.record(function.record),
        fields=_fields(function, tensors, walk, operator),
        inputs=(left, right),
        outputs=operator.outputs,
        tables=walk.tables(),
        access=broadcast.access(tensors.left, tensors.right, tensors.target),
    )


@dataclass(frozen=True, slots=True)
class _Term:
    """Hold an input of ADD or SUB, what it is rescaled by, and its number in the graph."""

    tensor: Tensor
    factor: tuple[int, int]
    number: int | None


def _lower_sum(function: _Function, sign: int, graph: Graph, operator: Operator) -> Layer:
    """Lower ADD or SUB, whose second input has the sign, to a faster kernel where it is exact."""
    tensors = _tensors(graph, operator)
    factors = [fixedpoint.quantize_multiplier(f) for f in _sum_factors(tensors)]
    layer = _lower(function, graph, operator)
    if not _is_plain(tensors, factors[2]):
        return layer
    left = _Term(tensors.left, factors[0], operator.inputs[0])
    right = _Term(tensors.right, factors[1], operator.inputs[1])
    fine, coarse = sorted((left, right), key=lambda term: term.tensor.scale)
    if sign > 0 and left.tensor.shape == right.tensor.shape == tensors.target.shape:
        return _alike(layer, coarse, fine, factors[2], tensors.target, operator)
    walk = broadcast.broadcast(coarse.tensor, fine.tensor, tensors.target)
    assert coarse.number is not None and fine.number is not None
    return replace(
        layer,
        kernel="tk_sum_plain_s8",
        record="tk_sum_plain_layer",
        fields=(
            walk.field(operator.name),
            ("coarse_zero", coarse.tensor.zero_point),
            ("fine_zero", fine.tensor.zero_point),
            ("fine_sign", sign),
            ("sign", sign if coarse is right else 1),
            *_rounding(fine, factors[2], tensors.target, operator),
        ),
        inputs=(coarse.number, fine.number),
        tables=walk.tables(),
        access=broadcast.access(coarse.tensor, fine.tensor, tensors.target),
    )


def _is_plain(tensors: Tensors, factor: tuple[int, int]) -> bool:
    return width_of(tensors.target) == INT8 and 1 <= -factor[1] <= _MOST_PLAIN_SHIFT


def _alike(
    layer: Layer,
    coarse: _Term,
    fine: _Term,
    factor: tuple[int, int],
    target: Tensor,
    operator: Operator,
) -> Layer:
    bits = _SUM_BITS["int8"]
    assert coarse.number is not None and fine.number is not None
    return replace(
        layer,
        kernel="tk_add_alike_s8",
        record="tk_add_alike_layer",
        fields=(
            ("count", target.elements),
            ("coarse_offset", -coarse.tensor.zero_point << bits),
            ("fine_offset", -fine.tensor.zero_point << (bits + 1)),
            *_rounding(fine, factor, target, operator),
        ),
        inputs=(coarse.number, fine.number),
        tables=(),
    )


def _rounding(
    fine: _Term, factor: tuple[int, int], target: Tensor, operator: Operator
) -> tuple[Field, ...]:
    """Return the members by which the finer term and the sum are rescaled."""
    low, high = shared.activation_range(operator.attributes.activation, target)
    return (
        ("zero", target.zero_point),
        ("min", low),
        ("max", high),
        ("fine_shift", -fine.factor[1]),
        ("shift", -factor[1]),
        ("fine_multiplier", fine.factor[0]),
        ("multiplier", factor[0]),
    )


def _lower_product(graph: Graph, operator: Operator) -> Layer:
    """Lower MUL to the faster kernel where it is exact: products are far below 2^30."""
    tensors = _tensors(graph, operator)
    layer = _lower(_PRODUCT, graph, operator)
    (factor,) = (fixedpoint.quantize_multiplier(f) for f in _product_factors(tensors))
    return replace(layer, kernel="tk_multiply_plain_s8") if _is_plain(tensors, factor) else layer


def _fields(
    function: _Function, tensors: Tensors, walk: broadcast.Broadcast, operator: Operator
) -> tuple[Field, ...]:
    if not function.members:
        return walk.members(operator.name)
    pairs = [fixedpoint.quantize_multiplier(f) for f in function.factors(tensors)]
    low, high = shared.activation_range(operator.attributes.activation, tensors.target)
    zeros: tuple[Field, ...] = (
        ("a_zero", tensors.left.zero_point),
        ("b_zero", tensors.right.zero_point),
        ("out_zero", tensors.target.zero_point),
    )
    return (
        walk.field(operator.name),
        *(zeros if width_of(tensors.target) == INT8 else ()),
        ("min", low),
        ("max", high),
        *((f"{m}_shift", s) for m, (_, s) in zip(function.members, pairs, strict=True)),
        *((f"{m}_multiplier", v) for m, (v, _) in zip(function.members, pairs, strict=True)),
    )


def _kind(
    function: _Function,
    options: Callable[[], Any] | None = None,
    read: Callable[[Any], Any] = _read_nothing,
    limits: str = "at most 6 dimensions",
) -> OpKind:
    def check(graph: Graph, operator: Operator) -> None:
        _check(function, graph, operator)

    def evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
        return _evaluate(function, graph, operator, values)

    def lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
        return _lower(function, graph, operator)

    limits = "; ".join((limits, *(f"{d} too" for d in function.dtypes if d != "int8")))
    return OpKind(options, read, check, evaluate, lower, limits)


_SUM_MEMBERS = ("a", "b", "out")
_RAW = "at most 6 dimensions; all tensors have one scale"

_SUM = _Function(
    "sum", "tk_add_s8", "tk_sum_layer", _sum_factors, check_below_one, _SUM_MEMBERS, _sum
)
ADD = replace(
    _kind(_SUM, tflite.AddOptions, _read_fused),
    lower=lambda graph, operator, _options: _lower_sum(_SUM, 1, graph, operator),
)
_DIFFERENCE = replace(_SUM, what="difference", kernel="tk_subtract_s8", answers=_difference)
SUB = replace(
    _kind(_DIFFERENCE, tflite.SubOptions, _read_fused),
    lower=lambda graph, operator, _options: _lower_sum(_DIFFERENCE, -1, graph, operator),
)
SQUARED_DIFFERENCE = _kind(
    _Function(
        "squared difference",
        "tk_squared_difference_s8",
        "tk_sum_layer",
        _square_factors,
        _check_square,
        _SUM_MEMBERS,
        _squared_difference,
    )
)
_PRODUCT = _Function(
    "product",
    "tk_multiply_s8",
    "tk_product_layer",
    _product_factors,
    shared.refuse_large_factors,
    ("out",),
    _product,
)
MUL = replace(
    _kind(_PRODUCT, tflite.MulOptions, _read_fused),
    lower=lambda graph, operator, _options: _lower_product(graph, operator),
)
_QUOTIENT = _Function(
    "quotient",
    "tk_divide_s8",
    "tk_product_layer",
    _quotient_factors,
    shared.refuse_large_factors,
    ("out",),
    _quotient,
    ("int8",),
)
DIV = replace(
    _kind(
        _QUOTIENT,
        tflite.DivOptions,
        _read_fused,
        "at most 6 dimensions; int8 quotients rescaled by 64 or more",
    ),
    check=_check_quotient,
)
PRELU = _kind(
    _Function(
        "ReLU with slopes,",
        "tk_prelu_s8",
        "tk_prelu_layer",
        _prelu_factors,
        shared.refuse_large_factors,
        ("out", "slope"),
        _prelu,
        ("int8",),
    )
)
MAXIMUM = _kind(
    _Function(
        "maximum",
        "tk_maximum_s8",
        "tk_broadcast",
        _no_factors,
        shared.refuse_large_factors,
        (),
        _maximum,
    ),
    limits=_RAW,
)
MINIMUM = _kind(
    _Function(
        "minimum",
        "tk_minimum_s8",
        "tk_broadcast",
        _no_factors,
        shared.refuse_large_factors,
        (),
        _minimum,
    ),
    limits=_RAW,
)
