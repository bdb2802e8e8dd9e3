"""Operators of one int8 value: each of the 256 answers is worked out here and kept in a table."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_CURVE_BITS = 4  # inputs of LOGISTIC and TANH are Q4.27
_ROOT_BITS = 20  # fraction bits of 1 / sqrt before it is rescaled


@dataclass(frozen=True, slots=True)
class Leak:
    """Attributes of LEAKY_RELU."""

    alpha: float


@dataclass(frozen=True, slots=True)
class InFloats:
    """Attributes of an ELU that stands for DEQUANTIZE, ELU and QUANTIZE."""


@dataclass(frozen=True, slots=True)
class _Function:
    """Hold what differs between the operators.

    Attributes:
        what: its name for a person.
        check: raises RefusedError where TFLM refuses, or is undefined.
        answers: the outputs for the inputs -128 .. 127, not yet clipped to int8.
    """

    what: str
    check: Callable[[Tensor, Tensor, Any], None]
    answers: Callable[[Tensor, Tensor, Any], shared.Ints]


def _inputs(source: Tensor) -> shared.Ints:
    """Return all inputs less their zero point."""
    return np.arange(-128, 128, dtype=np.int64) - source.zero_point


def _rescaled(values: shared.Ints, factor: float, target: Tensor) -> shared.Ints:
    pair = fixedpoint.quantize_multiplier(factor)
    return fixedpoint.requantize(values, *pair) + target.zero_point


def ratio(source: Tensor, target: Tensor) -> float:
    """Return the quotient of the scales; TFLM before 2026-10 rounds it to single precision."""
    return source.scale / target.scale


def check_ratio(source: Tensor, target: Tensor, _attributes: Any) -> None:
    """Raise where rescaling would shift out of int32."""
    shared.refuse_large_factors([ratio(source, target)])


def _check_curve(source: Tensor, _target: Tensor, _attributes: Any) -> None:
    # tflite::CalculateInputRadius shifts by a number that must not be negative, nor above 62
    if not 2.0**-28 <= source.scale < 2.0**35:
        raise RefusedError(
            f"has the input scale {source.scale:g}, outside of 2^-28 to 2^35", shared.QUANTIZE
        )


def _check_logistic(source: Tensor, target: Tensor, attributes: Any) -> None:
    _check_curve(source, target, attributes)
    if target.zero_point != -128:
        raise RefusedError(
            f"has the output zero point {target.zero_point}, TFLM wants -128", shared.QUANTIZE
        )


def _curve(
    source: Tensor, function: Callable[[shared.Ints, int], shared.Ints], bits: int, zero: int
) -> shared.Ints:
    """Work out a function in Q0.31 and round it to `bits`; far out it is at its ends."""
    multiplier, shift = fixedpoint.quantize_multiplier(source.scale * 2.0 ** (31 - _CURVE_BITS))
    radius = fixedpoint.input_radius(_CURVE_BITS, shift)
    inputs = _inputs(source)
    inner = np.clip(inputs, -radius, radius)
    scaled = fixedpoint.requantize(inner, multiplier, shift if radius else 0)
    value = fixedpoint.divide_by_power(function(scaled, _CURVE_BITS), 31 - bits) + zero
    return np.where(inputs <= -radius, -128, np.where(inputs >= radius, 127, value))


def _logistic(source: Tensor, _target: Tensor, _attributes: Any) -> shared.Ints:
    return _curve(source, fixedpoint.logistic, 8, -128)


def _tanh(source: Tensor, _target: Tensor, _attributes: Any) -> shared.Ints:
    return _curve(source, fixedpoint.tanh, 7, 0)


def _relu(source: Tensor, target: Tensor, _attributes: Any) -> shared.Ints:
    rescaled = _rescaled(_inputs(source), ratio(source, target), target)
    return np.maximum(rescaled, target.zero_point)


def check_relu6(source: Tensor, _target: Tensor, _attributes: Any) -> None:
    """Raise where the limit of 6 is too far for the scale."""
    shared.refuse_unknown_activation(tflite.ActivationFunctionType.RELU6, source)


def _relu6(source: Tensor, _target: Tensor, _attributes: Any) -> shared.Ints:
    # TFLM clamps the input's integers, whatever the output's scale
    low, high = shared.activation_range(tflite.ActivationFunctionType.RELU6, source)
    return np.clip(np.arange(-128, 128, dtype=np.int64), low, high)


def alpha_ratio(source: Tensor, target: Tensor, leak: Leak) -> float:
    """Return the factor of values below zero."""
    return source.scale * leak.alpha / target.scale


def check_leaky_relu(source: Tensor, target: Tensor, leak: Leak) -> None:
    """Raise where rescaling on either side would shift out of int32."""
    check_ratio(source, target, leak)
    shared.refuse_large_factors([abs(alpha_ratio(source, target, leak))])


def _leaky_relu(source: Tensor, target: Tensor, leak: Leak) -> shared.Ints:
    inputs, factor = _inputs(source), alpha_ratio(source, target, leak)
    sign = -1 if factor < 0 else 1
    leaked = fixedpoint.requantize(inputs, *fixedpoint.quantize_multiplier(abs(factor)))
    straight = _rescaled(inputs, ratio(source, target), target)
    return np.where(inputs >= 0, straight, sign * leaked + target.zero_point)


def _absolute(source: Tensor, target: Tensor, _attributes: Any) -> shared.Ints:
    values = np.abs(_inputs(source))
    if source.scale == target.scale:
        return values + target.zero_point
    return _rescaled(values, ratio(source, target), target)


def _root_factor(source: Tensor, target: Tensor) -> float:
    # TFLM before 2026-10 rounds root and product to single precision
    return 1.0 / (math.sqrt(source.scale) * target.scale)


def _check_root(source: Tensor, target: Tensor, _attributes: Any) -> None:
    factor = _root_factor(source, target)
    if not 2.0 ** (_ROOT_BITS - 32) <= factor < 2.0 ** (_ROOT_BITS + 30):
        raise RefusedError(f"rescales by {factor:g}, TFLM by 2^-12 to 2^50", shared.QUANTIZE)


def _root(source: Tensor, target: Tensor, _attributes: Any) -> shared.Ints:
    multiplier, shift = fixedpoint.quantize_multiplier(_root_factor(source, target))
    answers = np.full(256, 127, np.int64)  # at zero, and below, where TFLM stops with an error
    for position, value in enumerate(_inputs(source)):
        if value > 0:
            root, root_shift = fixedpoint.inverse_square_root(int(value))
            one = np.ones((), np.int64)
            share = fixedpoint.requantize(one, root, root_shift + _ROOT_BITS)
            answers[position] = fixedpoint.requantize(share, multiplier, shift - _ROOT_BITS)
            answers[position] += target.zero_point
    return answers


def _elu(source: Tensor, target: Tensor, attributes: Any) -> shared.Ints:
    real = np.float32(source.scale) * _inputs(source).astype(np.float32)
    # rounded once from double: what a correct expf or expm1f says
    negative = np.minimum(real, 0).astype(np.float64)
    if attributes == InFloats():
        below = np.expm1(negative).astype(np.float32)
        steps = np.where(real < 0, below, real) / np.float32(target.scale)
    else:
        below = np.exp(negative).astype(np.float32) - np.float32(1)
        steps = np.where(real < 0, below, real) * (np.float32(1) / np.float32(target.scale))
    nearest = np.trunc(steps.astype(np.float64) * 2 + np.sign(steps)) / 2
    return np.asarray(np.trunc(nearest), np.int64) + target.zero_point


def _check_elu(source: Tensor, target: Tensor, _attributes: Any) -> None:
    # beyond, floats are no longer exact to a step, and later no longer fit an int32
    if not 255 * source.scale / target.scale < 2.0**23:
        raise RefusedError(f"rescales by {ratio(source, target):g}", shared.QUANTIZE)


def _swish_factors(source: Tensor, target: Tensor) -> tuple[float, float]:
    """Return the factors of the output and of the slope, both of 128ths of an input step.

    TFLM before 2026-10 rounds them to single precision.
    """
    fine = source.scale / 128
    return fine / target.scale, fine / (3 / 32768)


def _check_swish(source: Tensor, target: Tensor, _attributes: Any) -> None:
    # TFLM refuses a positive shift of the output; its int16 divisions are undefined beyond 2^15
    factors = _swish_factors(source, target)
    output, slope = (fixedpoint.quantize_multiplier(factor)[1] for factor in factors)
    if not (-15 <= output <= 0 and -15 <= slope <= 30):
        raise RefusedError(
            f"has the input scale {source.scale:g} and the output scale {target.scale:g}, too far "
            "apart for TFLM",
            shared.QUANTIZE,
        )


def _swish(source: Tensor, target: Tensor, _attributes: Any) -> shared.Ints:
    """Return x * relu6(x + 3) / 6 in int16 arithmetic: reference_ops::HardSwish."""
    low, high = fixedpoint.INT16_MIN, fixedpoint.INT16_MAX
    pairs = [fixedpoint.quantize_multiplier(f) for f in _swish_factors(source, target)]
    (output, output_shift), (slope, slope_shift) = pairs
    fine = _inputs(source) << 7
    identity = fixedpoint.high_multiply_16(fine, fixedpoint.narrow_multiplier(output))
    gate = np.clip(fine << max(slope_shift - 1, 0), low, high)
    gate = fixedpoint.high_multiply_16(gate, fixedpoint.narrow_multiplier(slope))
    if slope_shift > 0:
        gate = np.clip(gate << 1, low, high)
    gate = (fixedpoint.divide_by_power(gate, max(-slope_shift, 0)) + (1 << 15)) >> 1
    product = gate * identity
    scaled = np.sign(product) * (np.abs(product) >> 15)  # towards zero
    return fixedpoint.divide_by_power(scaled, -output_shift) + target.zero_point


def _read_leak(options: Any) -> Leak:
    return Leak(float(options.Alpha()) if options is not None else 0.0)


def _kind(
    function: _Function,
    limits: str = "",
    options: Callable[[], Any] | None = None,
    read: Callable[[Any], Any] = shared.no_options,
) -> OpKind:
    def check(graph: Graph, operator: Operator) -> None:
        shared.refuse_other_arity(operator, (1,))
        source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
        shared.refuse_not_int8(source, target)
        if source.elements != target.elements:
            raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)
        function.check(source, target, operator.attributes)

    def evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
        table, target = _answers(function, graph, operator), graph.tensor(operator.outputs[0])
        return (table[values[0].astype(np.int64) + 128].reshape(target.shape),)

    def lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
        return _layer(function, graph, operator)

    return OpKind(options, read, check, evaluate, lower, limits)


def _answers(function: _Function, graph: Graph, operator: Operator) -> np.ndarray[Any, Any]:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    answers = function.answers(source, target, operator.attributes)
    return np.clip(answers, -128, 127).astype(np.int8)


def _layer(function: _Function, graph: Graph, operator: Operator) -> Layer:
    count = graph.tensor(operator.inputs[0]).elements
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{function.what} of {count} values",
        kernel="tk_lookup_s8",
        record="tk_lookup_layer",
        fields=(("count", count), ("answers", f"{operator.name}_answers")),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=(Table("answers", _answers(function, graph, operator), "requantization"),),
        access=(one_by_one(count),),
    )


ABS = _kind(_Function("absolute value", check_ratio, _absolute))
ELU = _kind(_Function("exponential linear unit", _check_elu, _elu))
HARD_SWISH = _kind(_Function("hard swish", _check_swish, _swish))
LEAKY_RELU = _kind(
    _Function("leaky ReLU", check_leaky_relu, _leaky_relu),
    options=tflite.LeakyReluOptions,
    read=_read_leak,
)
LOGISTIC = _kind(_Function("logistic function", _check_logistic, _logistic))
RELU = _kind(_Function("ReLU", check_ratio, _relu))
RELU6 = _kind(_Function("ReLU6", check_relu6, _relu6), "the output has the input's scale")
RSQRT = _kind(_Function("reciprocal square root", _check_root, _root), "inputs of 0 or more")
TANH = _kind(_Function("hyperbolic tangent", _check_curve, _tanh))
