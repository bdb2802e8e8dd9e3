"""ADD: the sum of two tensors, of the same shape or one repeated over the other."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import apart, one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_LEFT_SHIFT = 20  # headroom of the rescaled inputs, as in tflite::CalculateOpDataAdd


@dataclass(frozen=True, slots=True)
class Add:
    """Attributes of ADD."""

    activation: int


def _read(options: Any) -> Add:
    none = tflite.ActivationFunctionType.NONE
    return Add(options.FusedActivationFunction() if options is not None else none)


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    if operator.inputs[1] is None:
        raise RefusedError("has one input", shared.QUANTIZE)
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    target = graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(left, right, target)
    shared.refuse_unknown_activation(operator.attributes.activation, target)
    full, repeated = _ordered(left, right, target)
    if full.shape != target.shape or not _repeats(repeated.shape, full.shape):
        raise RefusedError(
            f"adds {left.shape} and {right.shape} to {target.shape}",
            "add tensors of one shape, or a vector of channels, or a number",
        )
    for factor in _factors(left, right, target):
        if not 0 < factor < 1:
            raise RefusedError(f"rescales by {factor:g}, TFLM wants less than 1", shared.QUANTIZE)


def _ordered(left: Tensor, right: Tensor, target: Tensor) -> tuple[Tensor, Tensor]:
    """Return the input of the output's shape, and the one that is repeated over it."""
    return (left, right) if left.shape == target.shape else (right, left)


def _repeats(small: tuple[int, ...], full: tuple[int, ...]) -> bool:
    """Tell whether `small` broadcasts over `full` by repeating all of it, end to end."""
    kept = list(small)
    while kept and kept[0] == 1:
        kept.pop(0)
    return not kept or tuple(kept) == full[len(full) - len(kept) :]


def _factors(left: Tensor, right: Tensor, target: Tensor) -> tuple[float, float, float]:
    """Return the factors of both inputs and of the sum, as tflite::CalculateOpDataAdd."""
    twice = 2.0 * max(left.scale, right.scale)
    return (
        left.scale / twice,
        right.scale / twice,
        twice / (2.0**_LEFT_SHIFT * target.scale),
    )


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    target = graph.tensor(operator.outputs[0])
    factors = [fixedpoint.quantize_multiplier(f) for f in _factors(left, right, target)]
    total = np.zeros((), np.int64)
    for value, tensor, factor in zip(values, (left, right), factors[:2], strict=True):
        raised = (value.astype(np.int64) - tensor.zero_point) << _LEFT_SHIFT
        total = np.asarray(total + fixedpoint.requantize(raised, *factor))
    result = fixedpoint.requantize(total, *factors[2]) + target.zero_point
    low, high = shared.activation_range(operator.attributes.activation, target)
    return (np.clip(result, low, high).astype(np.int8).reshape(target.shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    target = graph.tensor(operator.outputs[0])
    numbers = [number for number in operator.inputs if number is not None]
    if graph.tensor(numbers[0]).shape != target.shape:
        numbers.reverse()
    full, repeated = graph.tensor(numbers[0]), graph.tensor(numbers[1])
    pairs = [fixedpoint.quantize_multiplier(f) for f in _factors(full, repeated, target)]
    low, high = shared.activation_range(operator.attributes.activation, target)
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"sum of {full.elements} and {repeated.elements} values",
        kernel="tk_add_s8",
        record="tk_add_layer",
        fields=(
            ("count", full.elements),
            ("period", repeated.elements),
            ("a_zero", full.zero_point),
            ("b_zero", repeated.zero_point),
            ("out_zero", target.zero_point),
            ("min", low),
            ("max", high),
            ("a_shift", pairs[0][1]),
            ("b_shift", pairs[1][1]),
            ("out_shift", pairs[2][1]),
            ("a_multiplier", pairs[0][0]),
            ("b_multiplier", pairs[1][0]),
            ("out_multiplier", pairs[2][0]),
        ),
        inputs=tuple(numbers),
        outputs=operator.outputs,
        access=tuple(
            one_by_one(tensor.bytes)
            if tensor.elements == target.elements
            else apart(tensor.bytes, target.bytes)
            for tensor in (full, repeated)
        ),
    )


KIND = OpKind(
    options=tflite.AddOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="same shape, or one tensor repeated over the other's first axes",
)
