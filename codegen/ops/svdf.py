"""SVDF: dense filters of rank 1 over time, which remember their last values."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import Steps, forward_only, read_while_writing
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.shared import Ints
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_INPUT, _FEATURES, _TIMES, _BIAS, _STATE = range(5)


@dataclass(frozen=True, slots=True)
class Svdf:
    """Attributes of SVDF. TFLM ignores its activation in int8, and so do we."""

    rank: int


def _read(options: Any) -> Svdf:
    return Svdf(options.Rank() if options is not None else 0)


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (5,), absent=range(1, 5))
    if None in operator.inputs:
        raise RefusedError("lacks its bias or its state", "give it a bias, zeros will do")
    source, features, times, bias, state = (graph.tensor(n) for n in operator.inputs)
    target = graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, features, target)
    if operator.states != (operator.inputs[_STATE],):
        raise RefusedError("has a state that is no variable tensor", shared.QUANTIZE)
    for tensor in (times, state):
        if tensor.dtype not in ("int8", "int16") or tensor.dtype != times.dtype:
            raise RefusedError(f"has the {tensor.dtype} tensor '{tensor.name}'", shared.QUANTIZE)
        if tensor.quantization is None or len(tensor.quantization.scales) != 1:
            raise RefusedError(f"has no single scale for '{tensor.name}'", shared.QUANTIZE)
    _check_shapes(graph, operator)
    if features.zero_point or times.zero_point:
        raise RefusedError("has asymmetric weights", shared.QUANTIZE)
    if not -128 <= state.zero_point <= 127:
        raise RefusedError(f"has the state's zero point {state.zero_point}", shared.QUANTIZE)
    if bias.dtype != "int32" or bias.data is None or bias.quantization is None:
        raise RefusedError(f"has the {bias.dtype} bias '{bias.name}'", shared.QUANTIZE)
    product = state.scale * times.scale
    if not abs(bias.quantization.scales[0] - product) < 1e-5:
        raise RefusedError(f"has the bias's scale {bias.scale:g}, not {product:g}", shared.QUANTIZE)
    shared.refuse_large_factors(_factors(graph, operator))
    rows = shared.weight_values(graph, operator)
    shared.refuse_overflow(rows, np.zeros(len(rows), np.int64))


def _check_shapes(graph: Graph, operator: Operator) -> None:
    source, features, times, bias, state = (graph.tensor(n) for n in operator.inputs)
    target, rank = graph.tensor(operator.outputs[0]), operator.attributes.rank
    if features.data is None or times.data is None:
        raise RefusedError("computes its weights at run time", shared.QUANTIZE)
    if len(source.shape) != 2 or len(features.shape) != 2 or len(times.shape) != 2:
        raise RefusedError(f"has an input of shape {source.shape}", shared.QUANTIZE)
    shared.refuse_other_rank(source, 2)
    filters, inputs = features.shape
    if rank < 1 or filters % rank:
        raise RefusedError(f"has {filters} filters of rank {rank}", shared.QUANTIZE)
    memory, units = times.shape[1], filters // rank
    expected = ((1, inputs), filters, (units,), (1, filters * memory), (1, units))
    if (source.shape, times.shape[0], bias.shape, state.shape, target.shape) != expected:
        raise RefusedError(
            f"maps {source.shape} to {target.shape} with a state of {state.shape}", shared.QUANTIZE
        )
    shared.refuse_large_sizes(inputs, filters, memory)


def _factors(graph: Graph, operator: Operator) -> list[float]:
    """Return the factors of both stages; TFLM before 2026-10 rounds them to single precision."""
    source, features, times, _, state = (graph.tensor(n) for n in operator.inputs)
    target = graph.tensor(operator.outputs[0])
    pairs = ((source, features, state), (state, times, target))
    return [a.scale * b.scale / c.scale for a, b, c in pairs]


def _times(graph: Graph, operator: Operator) -> Ints:
    data = graph.tensor(operator.inputs[_TIMES]).data
    assert data is not None
    return data.astype(np.int64)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, state = graph.tensor(operator.inputs[_INPUT]), graph.tensor(operator.inputs[_STATE])
    target = graph.tensor(operator.outputs[0])
    first, second = (fixedpoint.quantize_multiplier(f) for f in _factors(graph, operator))
    centred = values[_INPUT].ravel().astype(np.int64) - source.zero_point
    limits = np.iinfo(state.dtype)
    newest = fixedpoint.requantize(shared.weight_values(graph, operator) @ centred, *first)
    newest = np.clip(newest, limits.min, limits.max) + state.zero_point
    times = _times(graph, operator)
    memory = np.roll(values[_STATE].reshape(times.shape), -1, axis=1)
    memory[:, -1] = newest.astype(state.dtype)  # wraps, as TFLM's cast does
    sums = ((memory.astype(np.int64) - state.zero_point) * times).sum(axis=1)
    bias = shared.bias_values(graph, operator, target.shape[1], _BIAS)
    totals = fixedpoint.wrap32(sums.reshape(-1, operator.attributes.rank).sum(axis=1) + bias)
    scaled = fixedpoint.requantize(totals, *second) + target.zero_point
    output = np.clip(scaled, -128, 127).astype(np.int8)
    return output.reshape(target.shape), memory.reshape(state.shape)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[_INPUT]), graph.tensor(operator.outputs[0])
    state = graph.tensor(operator.inputs[_STATE])
    rows, times = shared.weight_values(graph, operator), _times(graph, operator)
    first, second = (fixedpoint.quantize_multiplier(f) for f in _factors(graph, operator))
    units, name = target.shape[1], operator.name
    kernel = "tk_svdf_s8" if state.dtype == "int8" else "tk_svdf_s16"
    positions = np.zeros(units, np.int64)
    access = read_while_writing(Steps(positions, positions + source.bytes, 1), 0)
    filters = (
        ("inputs", source.shape[1]),
        ("units", units),
        ("rank", operator.attributes.rank),
        ("memory", times.shape[1]),
        ("features", f"{name}_features"),
        ("feature_bias", f"{name}_feature_bias"),
        ("bias", f"{name}_bias"),
        ("feature_multiplier", first[0]),
        ("multiplier", second[0]),
        ("feature_shift", first[1]),
        ("shift", second[1]),
        ("state_zero", state.zero_point),
        ("out_zero", target.zero_point),
    )
    return Layer(
        name=name,
        kind=operator.kind,
        summary=f"SVDF {source.shape[1]} -> {units}, {times.shape[1]} steps remembered",
        kernel=kernel,
        record="tk_svdf_layer" if state.dtype == "int8" else "tk_svdf_s16_layer",
        fields=(("filters", filters), ("times", f"{name}_times")),
        inputs=tuple(n for n in operator.inputs[:1] if n is not None) + operator.states,
        outputs=operator.outputs,
        tables=_tables(rows, times.astype(state.dtype), source, graph, operator),
        access=(forward_only(access, source.bytes),),
        macs=rows.size + times.size,
        encoding="dense",
        reason="SVDF weights stay dense",
    )


def _tables(
    rows: Ints, times: Any, source: Tensor, graph: Graph, operator: Operator
) -> tuple[Table, ...]:
    units = len(rows) // operator.attributes.rank
    folded = -source.zero_point * rows.sum(axis=1)
    bias = shared.bias_values(graph, operator, units, _BIAS)
    return (
        Table("features", rows.astype(np.int8), "weights"),
        Table("times", times, "weights"),
        Table("feature_bias", folded.astype(np.int32), "bias"),
        Table("bias", bias.astype(np.int32), "bias"),
    )


KIND = OpKind(
    options=tflite.SVDFOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="batch 1, with a bias; int8 or int16 state, which stays between inferences",
    stateful=True,
)
