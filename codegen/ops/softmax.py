"""SOFTMAX over the last axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

DIFFERENCE_BITS = 5  # differences are Q5.26
SUM_BITS = 12  # sums of exponentials are Q12.19


@dataclass(frozen=True, slots=True)
class Softmax:
    """Attributes of SOFTMAX."""

    beta: float


def _read(options: Any) -> Softmax:
    return Softmax(float(options.Beta()) if options is not None else 0.0)


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, target)
    if source.shape != target.shape or not source.shape:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)
    if target.scale != 1 / 256 or target.zero_point != -128:
        raise RefusedError(
            f"has the output scale {target.scale} and zero point {target.zero_point}, TFLM wants "
            "1/256 and -128",
            shared.QUANTIZE,
        )
    shared.refuse_large_sizes(source.elements // source.shape[-1])
    factor = _factor(graph, operator)
    if not 1 < factor < np.inf:
        raise RefusedError(f"scales its input by {factor:g}", shared.QUANTIZE)
    refuse_many_classes(source)


def refuse_many_classes(source: Tensor) -> None:
    """Raise if as many ones as there are classes would overflow their sum."""
    if source.shape[-1] >= 1 << SUM_BITS:
        raise RefusedError(f"has {source.shape[-1]} classes", "at most 4095 sum exactly in Q12.19")


def _factor(graph: Graph, operator: Operator) -> float:
    scale = graph.tensor(operator.inputs[0]).scale
    factor = operator.attributes.beta * scale * 2.0 ** (31 - DIFFERENCE_BITS)
    return min(float(factor), 2.0**31 - 1.0)


def exponentials(factor: float) -> shared.Ints:
    """Return the powers of e in Q0.31 for d = 0, 1, .. steps down as far as they are not zero.

    Args:
        factor: what one step down is in Q5.26.
    """
    multiplier, shift = fixedpoint.quantize_multiplier(factor)
    entries = min(255, fixedpoint.input_radius(DIFFERENCE_BITS, shift)) + 1
    differences = -np.arange(entries, dtype=np.int64)
    scaled = fixedpoint.high_multiply(fixedpoint.wrap32(differences << shift), multiplier)
    return np.asarray(fixedpoint.exp_of_negative(scaled, DIFFERENCE_BITS), np.int64)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source = values[0].reshape(-1, values[0].shape[-1]).astype(np.int64)
    table = exponentials(_factor(graph, operator))
    difference = source.max(axis=1, keepdims=True) - source
    known = difference < len(table)
    powers = np.where(known, table[np.minimum(difference, len(table) - 1)], 0)
    sums = fixedpoint.divide_by_power(powers, SUM_BITS).sum(axis=1)
    result = np.stack([_share(row, int(total)) for row, total in zip(powers, sums, strict=True)])
    result = np.where(known, result, -128)
    return (result.astype(np.int8).reshape(values[0].shape),)


def _share(powers: shared.Ints, total: int) -> shared.Ints:
    headroom = 32 - total.bit_length()
    below_one = np.int64((total << headroom) - (1 << 31))
    scale = fixedpoint.reciprocal_of_one_plus(np.asarray(below_one))
    exponent = SUM_BITS - headroom + 31 - 8
    share = fixedpoint.divide_by_power(fixedpoint.high_multiply(powers, scale), exponent)
    return np.clip(share - 128, -128, 127)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source = graph.tensor(operator.inputs[0])
    table = exponentials(_factor(graph, operator)).astype(np.int32)
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"softmax over {source.shape[-1]} classes",
        kernel="tk_softmax_s8",
        record="tk_softmax_layer",
        fields=(
            ("rows", source.elements // source.shape[-1]),
            ("classes", source.shape[-1]),
            ("entries", len(table)),
            ("exponentials", f"{operator.name}_exponentials"),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=(Table("exponentials", table, "requantization"),),
        access=(one_by_one(source.elements),),
    )


KIND = OpKind(
    options=tflite.SoftmaxOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="over the last axis, at most 4095 classes",
)
