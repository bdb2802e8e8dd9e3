"""LOGISTIC: every int8 value has one answer, kept in a table."""

import numpy as np

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator

_INPUT_BITS = 4  # inputs are Q4.27
_OUTPUT_BITS = 8


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, target)
    if source.elements != target.elements:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)
    if target.zero_point != -128:
        raise RefusedError(
            f"has the output zero point {target.zero_point}, TFLM wants -128", shared.QUANTIZE
        )


def answers(graph: Graph, operator: Operator) -> shared.Ints:
    """Return the outputs for the inputs -128 .. 127: reference_integer_ops::Logistic."""
    source = graph.tensor(operator.inputs[0])
    multiplier, shift = fixedpoint.quantize_multiplier(source.scale * 2.0 ** (31 - _INPUT_BITS))
    radius = fixedpoint.input_radius(_INPUT_BITS, shift)
    centred = np.arange(-128, 128, dtype=np.int64) - source.zero_point
    inner = np.clip(centred, -radius, radius)
    scaled = fixedpoint.requantize(inner, multiplier, shift)
    value = fixedpoint.divide_by_power(fixedpoint.logistic(scaled, _INPUT_BITS), 31 - _OUTPUT_BITS)
    limited = np.clip(value - 128, -128, 127)
    return np.where(centred <= -radius, -128, np.where(centred >= radius, 127, limited))


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    table = answers(graph, operator).astype(np.int8)
    target = graph.tensor(operator.outputs[0])
    return (table[values[0].astype(np.int64) + 128].reshape(target.shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    count = graph.tensor(operator.inputs[0]).elements
    table = answers(graph, operator).astype(np.int8)
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"logistic function of {count} values",
        kernel="tk_lookup_s8",
        record="tk_lookup_layer",
        fields=(("count", count), ("answers", f"{operator.name}_answers")),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=(Table("answers", table, "requantization"),),
        access=(one_by_one(count),),
    )


KIND = OpKind(None, shared.no_options, _check, _evaluate, _lower)
