"""SOFTMAX of int16 values over the last axis, by interpolation in two tables."""

import math
from collections.abc import Callable

import numpy as np

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.width import INT16, refuse_other_activations
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator

_STEPS = 512  # of the tables, 128 arguments each
_RANGE = 65535  # arguments, over which exp goes from -10 to 0
_MOST_SHIFT = 14  # more would shift differences of inputs out of int32


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    refuse_other_activations(source, target)
    if source.shape != target.shape or not source.shape:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)
    if target.scale != 2.0**-15:
        raise RefusedError(
            f"has the output scale {target.scale:g}, TFLM wants 2^-15", shared.QUANTIZE
        )
    shared.refuse_large_sizes(source.shape[-1], source.elements // source.shape[-1])
    factor = _factor(graph, operator)
    if not 0 < factor < 2.0**_MOST_SHIFT or _rescaling(graph, operator)[1] > _MOST_SHIFT:
        raise RefusedError(f"scales its input by {factor:g}", shared.QUANTIZE)


def _factor(graph: Graph, operator: Operator) -> float:
    """Return the factor that makes differences of inputs arguments of the table."""
    scale = graph.tensor(operator.inputs[0]).scale
    return float(scale * operator.attributes.beta / (10.0 / _RANGE))


def _rescaling(graph: Graph, operator: Operator) -> tuple[int, int]:
    return fixedpoint.quantize_multiplier(_factor(graph, operator))


def exponentials() -> shared.Ints:
    """Return e**x in Q0.15 for x from -10 to 0."""
    return _table(np.float32(10) / np.float32(_RANGE), INT16.high, math.exp)


def reciprocals() -> shared.Ints:
    """Return 1 / (1 + x) in Q0.15 for x from 0 to 1."""
    return _table(np.float32(1) / np.float32(_RANGE), INT16.low, _reciprocal)


def _reciprocal(x: float) -> float:
    return float(np.float32(1) / (np.float32(1) + np.float32(x)))


def _table(scale: np.float32, zero_point: int, function: Callable[[float], float]) -> shared.Ints:
    """Tabulate a function as tflite::LUTPopulate does, in single precision.

    Each entry is moved by half of what a straight line to the next is off in the middle.
    """
    output_scale = np.float32(2) / np.float32(_RANGE)
    low, high = (scale * np.float32(end - zero_point) for end in (INT16.low, INT16.high))
    step = (high - low) / np.float32(_STEPS)
    output_low, output_high = (output_scale * np.float32(end) for end in (INT16.low, INT16.high))
    steepness = np.float32(_RANGE + 1) / (output_high - output_low)

    def scaled(at: np.float32) -> np.float32:
        return np.float32(function(float(at))) * steepness

    entries = []
    for i in range(_STEPS):
        start = low + np.float32(i) * step
        value = _rounded(scaled(start))
        following = scaled(low + np.float32(i + 1) * step)
        straight = _rounded((following + value) / np.float32(2))
        middle = _rounded(scaled(start + step / np.float32(2)))
        entries.append(value - _rounded((straight - middle) / np.float32(2)))
    entries.append(_rounded(scaled(high)))
    return np.clip(np.array(entries, np.int64), INT16.low, INT16.high)


def _rounded(value: np.float32) -> np.float32:
    return np.float32(fixedpoint.round_half_away(float(value)))


def _looked_up(table: shared.Ints, arguments: shared.Ints) -> shared.Ints:
    arguments = np.clip(arguments, INT16.low, INT16.high)
    place = (arguments >> 7) + 256
    slope = table[place + 1] - table[place]
    return np.asarray(table[place] + ((slope * (arguments & 127) + 64) >> 7), np.int64)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source = values[0].reshape(-1, values[0].shape[-1]).astype(np.int64)
    below = source - source.max(axis=1, keepdims=True)
    arguments = fixedpoint.requantize(below, *_rescaling(graph, operator)) + INT16.high
    powers = _looked_up(exponentials(), arguments)
    table = reciprocals()
    shares = np.stack([_shares(row, table) for row in powers])
    return (shares.astype(np.int16).reshape(values[0].shape),)


def _shares(powers: shared.Ints, table: shared.Ints) -> shared.Ints:
    total = int(powers.sum())
    shift = total.bit_length() - 1
    fraction = ((total << (30 - shift)) + (1 << 13)) >> 14
    place = np.asarray(fraction - ((1 << 15) + (1 << 16)), np.int64)
    scaled = powers * _looked_up(table, place) + (1 << (shift - 1))
    return np.asarray(np.clip(scaled >> shift, 0, INT16.high), np.int64)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source = graph.tensor(operator.inputs[0])
    multiplier, shift = _rescaling(graph, operator)
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"softmax over {source.shape[-1]} classes",
        kernel="tk_softmax_s16",
        record="tk_softmax_s16_layer",
        fields=(
            ("rows", source.elements // source.shape[-1]),
            ("classes", source.shape[-1]),
            ("shift", shift),
            ("multiplier", multiplier),
            ("exponentials", f"{operator.name}_exponentials"),
            ("reciprocals", f"{operator.name}_reciprocals"),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        tables=(
            Table("exponentials", exponentials().astype(np.int16), "requantization"),
            Table("reciprocals", reciprocals().astype(np.int16), "requantization"),
        ),
        # a row's places are written before those of the next are read
        access=(one_by_one(source.bytes),),
    )


KIND = OpKind(None, shared.no_options, _check, _evaluate, _lower)
