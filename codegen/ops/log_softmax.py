"""LOG_SOFTMAX over the last axis."""

import numpy as np

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.softmax import DIFFERENCE_BITS, SUM_BITS, exponentials, refuse_many_classes
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator

_OUTPUT_BITS = 4  # outputs are Q4.4 below 127


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, target)
    if source.shape != target.shape or not source.shape:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)
    if target.scale != 1 / 16 or target.zero_point != 127:
        raise RefusedError(
            f"has the output scale {target.scale} and zero point {target.zero_point}, TFLM wants "
            "1/16 and 127",
            shared.QUANTIZE,
        )
    shared.refuse_large_sizes(source.elements // source.shape[-1])
    factor = _factor(graph, operator)
    if not 1 < factor < 2.0**30:
        raise RefusedError(f"scales its input by {factor:g}", shared.QUANTIZE)
    refuse_many_classes(source)


def _factor(graph: Graph, operator: Operator) -> float:
    return graph.tensor(operator.inputs[0]).scale * 2.0 ** (31 - DIFFERENCE_BITS)


def _pairs(graph: Graph, operator: Operator) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the factors from input steps to Q5.26, and back."""
    multiplier, shift = fixedpoint.quantize_multiplier(_factor(graph, operator))
    back = fixedpoint.quantize_multiplier(2.0 ** (31 - shift) / multiplier)
    return (multiplier, shift), back


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source = values[0].reshape(-1, values[0].shape[-1]).astype(np.int64)
    table = exponentials(_factor(graph, operator))
    below = source.max(axis=1, keepdims=True) - source
    powers = np.where(below < len(table), table[np.minimum(below, len(table) - 1)], 0)
    sums = fixedpoint.divide_by_power(powers, SUM_BITS).sum(axis=1)
    forth, back = _pairs(graph, operator)
    logarithms = np.array([fixedpoint.logarithm(int(total)) for total in sums])[:, None]
    # further down an int32 in Q5.26 does not reach
    least = fixedpoint.requantize(logarithms + fixedpoint.INT32_MIN, *back)
    reached = (below < len(table)) & (-below > least)
    scaled = fixedpoint.requantize(np.where(reached, -below, 0), *forth) - logarithms
    answers = fixedpoint.divide_by_power(scaled, 31 - DIFFERENCE_BITS - _OUTPUT_BITS) + 127
    clipped = np.clip(np.where(reached, answers, -128), -128, 127)
    return (clipped.astype(np.int8).reshape(values[0].shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source = graph.tensor(operator.inputs[0])
    table = exponentials(_factor(graph, operator)).astype(np.int32)
    forth, back = _pairs(graph, operator)
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"logarithm of the softmax over {source.shape[-1]} classes",
        kernel="tk_log_softmax_s8",
        record="tk_log_softmax_layer",
        fields=(
            (
                "softmax",
                (
                    ("rows", source.elements // source.shape[-1]),
                    ("classes", source.shape[-1]),
                    ("entries", len(table)),
                    ("exponentials", f"{operator.name}_exponentials"),
                ),
            ),
            ("multiplier", forth[0]),
            ("shift", forth[1]),
            ("back_multiplier", back[0]),
            ("back_shift", back[1]),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=(Table("exponentials", table, "requantization"),),
        access=(one_by_one(source.elements),),
    )


KIND = OpKind(
    options=None,
    read=shared.no_options,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="over the last axis, at most 4095 classes",
)
