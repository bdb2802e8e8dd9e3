"""Operators of one int16 value: LOGISTIC and TANH by interpolation, ReLUs by rescaling."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import lookup, shared
from tinykit.codegen.ops.width import INT16, refuse_other_activations
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_UNIT = 1 / (3 * 4096)  # of the arguments of both curves
_ONE = 2.0**-15  # the output scale of both


@dataclass(frozen=True, slots=True)
class _Function:
    """Hold what differs between the operators.

    Attributes:
        what: its name for a person.
        kernel, record: the C function and its record.
        check: raises RefusedError where TFLM refuses, or is undefined.
        answers: the outputs of inputs, not yet clipped to int16.
        fields: the record's members behind the count.
    """

    what: str
    kernel: str
    record: str
    check: Callable[[Tensor, Tensor, Any], None]
    answers: Callable[[shared.Ints, Tensor, Tensor, Any], shared.Ints]
    fields: Callable[[Tensor, Tensor, Any], tuple[Field, ...]]


def _argument(source: Tensor, most_power: int) -> tuple[int, int]:
    """Return what inputs are multiplied with, and how far that is shifted to the right.

    As tflite::CalculateArithmeticOpData: exact where the scale is 2**-12, or up to `most_power`
    powers of two more, otherwise a multiplier of 15 bits that is cut off.
    """
    logarithm = np.log(np.float32(source.scale)) * (np.float32(1) / np.log(np.float32(2)))
    power = fixedpoint.round_half_away(float(logarithm))
    if abs(logarithm - power) < 1e-3 and 0 <= power + 12 <= most_power:
        return 3 << (power + 12), 0
    multiplier, shift = source.scale / _UNIT, 0
    while multiplier <= fixedpoint.INT16_MAX / 2 and shift <= 30:
        multiplier, shift = multiplier * 2, shift + 1
    return int(multiplier), shift


def _check_curve(source: Tensor, target: Tensor, most_power: int) -> None:
    if target.scale != _ONE:
        raise RefusedError(f"has the output scale {target.scale:g}, TFLM wants 2^-15", _QUANTIZE)
    if not 0 < _argument(source, most_power)[0] <= fixedpoint.INT16_MAX:
        raise RefusedError(f"has the input scale {source.scale:g}, too far from 2^-12", _QUANTIZE)


_QUANTIZE = shared.QUANTIZE


def _curve(
    what: str, kernel: str, most_power: int, function: Callable[[shared.Ints], shared.Ints]
) -> _Function:
    def check(source: Tensor, target: Tensor, _attributes: Any) -> None:
        _check_curve(source, target, most_power)

    def answers(
        inputs: shared.Ints, source: Tensor, _target: Tensor, _attributes: Any
    ) -> shared.Ints:
        multiplier, shift = _argument(source, most_power)
        half = 1 << (shift - 1) if shift else 0
        return function((inputs * multiplier + half) >> shift)

    def fields(source: Tensor, _target: Tensor, _attributes: Any) -> tuple[Field, ...]:
        multiplier, shift = _argument(source, most_power)
        return ("multiplier", multiplier), ("shift", shift)

    return _Function(what, kernel, "tk_curve_s16_layer", check, answers, fields)


def _leaky(
    inputs: shared.Ints, source: Tensor, target: Tensor, leak: lookup.Leak | None
) -> shared.Ints:
    straight, sign, leaked = _slopes(source, target, leak)
    below = sign * fixedpoint.requantize(inputs, *leaked)
    return np.where(inputs < 0, below, fixedpoint.requantize(inputs, *straight))


def _slopes(
    source: Tensor, target: Tensor, leak: lookup.Leak | None
) -> tuple[tuple[int, int], int, tuple[int, int]]:
    """Return the factor of inputs, and the sign and size of that of inputs below zero."""
    factor = 0.0 if leak is None else lookup.alpha_ratio(source, target, leak)
    straight = fixedpoint.quantize_multiplier(lookup.ratio(source, target))
    leaked = fixedpoint.quantize_multiplier(abs(factor))
    return straight, -1 if factor < 0 else 1, leaked


def _slope_fields(source: Tensor, target: Tensor, leak: lookup.Leak | None) -> tuple[Field, ...]:
    (multiplier, shift), sign, (slope, slope_shift) = _slopes(source, target, leak)
    return (
        ("sign", sign),
        ("shift", shift),
        ("slope_shift", slope_shift),
        ("multiplier", multiplier),
        ("slope_multiplier", slope),
    )


def _limits(source: Tensor) -> tuple[int, int]:
    # TFLM clamps the input's integers, whatever the output's scale
    return shared.activation_range(tflite.ActivationFunctionType.RELU6, source)


def _relu6(inputs: shared.Ints, source: Tensor, _target: Tensor, _attributes: Any) -> shared.Ints:
    return np.clip(inputs, *_limits(source))


def _limit_fields(source: Tensor, _target: Tensor, _attributes: Any) -> tuple[Field, ...]:
    low, high = _limits(source)
    return ("min", low), ("max", high)


def _kind(function: _Function) -> OpKind:
    def check(graph: Graph, operator: Operator) -> None:
        shared.refuse_other_arity(operator, (1,))
        source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
        refuse_other_activations(source, target)
        if source.elements != target.elements:
            raise RefusedError(f"maps {source.shape} to {target.shape}", _QUANTIZE)
        function.check(source, target, operator.attributes)

    def evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
        source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
        inputs = values[0].astype(np.int64).reshape(target.shape)
        answers = function.answers(inputs, source, target, operator.attributes)
        return (np.clip(answers, INT16.low, INT16.high).astype(np.int16),)

    def lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
        source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
        assert operator.inputs[0] is not None
        return Layer(
            name=operator.name,
            kind=operator.kind,
            summary=f"{function.what} of {source.elements} values",
            kernel=function.kernel,
            record=function.record,
            fields=(
                ("count", source.elements),
                *function.fields(source, target, operator.attributes),
            ),
            inputs=(operator.inputs[0],),
            outputs=operator.outputs,
            access=(one_by_one(source.bytes),),
        )

    return OpKind(None, shared.no_options, check, evaluate, lower)


def _sloped(what: str, check: Callable[[Tensor, Tensor, Any], None]) -> OpKind:
    return _kind(
        _Function(
            what, "tk_leaky_relu_s16", "tk_leaky_relu_s16_layer", check, _leaky, _slope_fields
        )
    )


LOGISTIC = _kind(_curve("logistic function", "tk_logistic_s16", 0, fixedpoint.logistic_q15))
TANH = _kind(_curve("hyperbolic tangent", "tk_tanh_s16", 1, fixedpoint.tanh_q15))
RELU = _sloped("ReLU", lookup.check_ratio)
LEAKY_RELU = _sloped("leaky ReLU", lookup.check_leaky_relu)
RELU6 = _kind(
    _Function(
        "ReLU6", "tk_clip_s16", "tk_clip_s16_layer", lookup.check_relu6, _relu6, _limit_fields
    )
)
