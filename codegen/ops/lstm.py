"""UNIDIRECTIONAL_SEQUENCE_LSTM: four gates a unit and step, a hidden and a cell state that stay."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tflite

from tinykit.codegen import work
from tinykit.codegen.access import Steps, forward_only, read_while_writing
from tinykit.codegen.c import c_row
from tinykit.codegen.encode import Encoded, Matrix, choose
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.product import summary_of
from tinykit.codegen.ops.shared import Ints
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_INPUTS = 24
_INPUT, _HIDDEN, _CELL = 0, 18, 19
_GATES = range(4)  # input, forget, cell, output
_INPUT_WEIGHTS, _RECURRENT_WEIGHTS, _BIAS = 1, 5, 12  # of the first gate
_ABSENT = (9, 10, 11, 16, 17, 20, 21, 22, 23)  # peepholes, projection, layer normalization
_GATE_SCALE, _FUNCTION_SCALE = 2.0**-12, 2.0**-15
_PLAIN = "use the LSTM of Keras with its default activations"


@dataclass(frozen=True, slots=True)
class Lstm:
    """Attributes of UNIDIRECTIONAL_SEQUENCE_LSTM."""

    activation: int
    cell_clip: float
    time_major: bool


def _read(options: Any) -> Lstm:
    if options is None:
        return Lstm(0, 0.0, time_major=False)
    return Lstm(
        options.FusedActivationFunction(), float(options.CellClip()), bool(options.TimeMajor())
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (_INPUTS,), absent=range(1, _INPUTS))
    numbers = operator.inputs
    if any(numbers[i] is not None for i in _ABSENT):
        raise RefusedError("has peepholes, a projection or layer normalization", _PLAIN)
    if any(numbers[i] is None for i in range(_INPUTS) if i not in _ABSENT):
        raise RefusedError("lacks the weights of a gate", _PLAIN)
    source, target = graph.tensor(numbers[_INPUT]), graph.tensor(operator.outputs[0])
    hidden, cell = graph.tensor(numbers[_HIDDEN]), graph.tensor(numbers[_CELL])
    shared.refuse_not_int8(source, target, hidden)
    if operator.attributes.activation != tflite.ActivationFunctionType.TANH:
        raise RefusedError("has another activation than tanh", _PLAIN)
    _check_states(operator, hidden, cell)
    _check_shapes(operator, source, target, hidden)
    for gate in _GATES:
        _check_gate(graph, operator, gate)
    units, inputs = hidden.elements, source.shape[-1]
    shared.refuse_large_sizes(units, inputs, _steps(source))
    shared.refuse_large_factors([*_factors(graph, operator), *_state_factors(graph, operator)])


def _check_states(operator: Operator, hidden: Tensor, cell: Tensor) -> None:
    if operator.states != (operator.inputs[_HIDDEN], operator.inputs[_CELL]):
        raise RefusedError("has a state that is no variable tensor", _PLAIN)
    if cell.dtype != "int16" or cell.quantization is None:
        raise RefusedError(f"has the {cell.dtype} cell state '{cell.name}'", shared.QUANTIZE)
    if len(cell.quantization.scales) != 1 or np.frexp(cell.scale)[0] != 0.5:
        raise RefusedError("has a cell state whose scale is no power of two", shared.QUANTIZE)
    # one step of the cell state times 3 must keep within an int32 when it is shifted
    if not -15 <= _cell_power(cell) + 12 <= 14:
        raise RefusedError(f"has the cell state's scale {cell.scale:g}", shared.QUANTIZE)
    if cell.elements != hidden.elements:
        raise RefusedError(f"has states of {hidden.shape} and {cell.shape}", shared.QUANTIZE)
    if not operator.attributes.cell_clip >= 0:  # NaN neither
        raise RefusedError(f"clips its cells at {operator.attributes.cell_clip:g}", _PLAIN)


def _check_shapes(operator: Operator, source: Tensor, target: Tensor, hidden: Tensor) -> None:
    if len(source.shape) != 3 or (*source.shape[:2], hidden.elements) != target.shape:
        raise RefusedError(f"maps {source.shape} to {target.shape}", shared.QUANTIZE)
    batch = source.shape[1 if operator.attributes.time_major else 0]
    if batch != 1 or len(hidden.shape) != 2 or hidden.shape[0] != 1:
        raise RefusedError(f"has a batch of {batch}", "give it one sequence after the other")
    if (hidden.scale, hidden.zero_point) != (target.scale, target.zero_point):
        raise RefusedError("has an output and a hidden state of two scales", shared.QUANTIZE)


def _check_gate(graph: Graph, operator: Operator, gate: int) -> None:
    units = graph.tensor(operator.inputs[_HIDDEN]).elements
    inputs = graph.tensor(operator.inputs[_INPUT]).shape[-1]
    for first, length in ((_INPUT_WEIGHTS, inputs), (_RECURRENT_WEIGHTS, units)):
        weights = graph.tensor(operator.inputs[first + gate])
        shared.refuse_not_int8(weights)
        if weights.data is None or weights.zero_point or weights.shape != (units, length):
            raise RefusedError(
                f"has weights '{weights.name}' of shape {weights.shape}, zero point "
                f"{weights.zero_point}",
                shared.QUANTIZE,
            )
    bias = graph.tensor(operator.inputs[_BIAS + gate])
    if bias.dtype != "int32" or bias.data is None or bias.shape != (units,):
        raise RefusedError(
            f"has the {bias.dtype} bias '{bias.name}' of shape {bias.shape}", shared.QUANTIZE
        )
    for part in (2 * gate, 2 * gate + 1):
        shared.refuse_overflow(_rows(graph, operator, part), _bias(graph, operator, part))


def _steps(source: Tensor) -> int:
    return source.elements // source.shape[-1]


def _cell_power(cell: Tensor) -> int:
    return int(np.frexp(cell.scale)[1]) - 1


def _rows(graph: Graph, operator: Operator, part: int) -> Ints:
    """Return the weights of product `part`: of the inputs if even, of the hidden state if odd."""
    first = _RECURRENT_WEIGHTS if part % 2 else _INPUT_WEIGHTS
    data = graph.tensor(operator.inputs[first + part // 2]).data
    assert data is not None
    return data.astype(np.int64)


def _bias(graph: Graph, operator: Operator, part: int) -> Ints:
    data = graph.tensor(operator.inputs[_BIAS + part // 2]).data
    assert data is not None
    return data.astype(np.int64) if part % 2 == 0 else np.zeros(data.size, np.int64)


def _read_by(graph: Graph, operator: Operator, part: int) -> Tensor:
    return graph.tensor(operator.inputs[_HIDDEN if part % 2 else _INPUT])


def _factors(graph: Graph, operator: Operator) -> list[float]:
    """Return the factors of the eight products; TFLM before 2026-10 rounds those of two scales."""
    found = []
    for part in range(8):
        first = _RECURRENT_WEIGHTS if part % 2 else _INPUT_WEIGHTS
        weights = graph.tensor(operator.inputs[first + part // 2])
        found.append(_read_by(graph, operator, part).scale * weights.scale / _GATE_SCALE)
    return found


def _state_factors(graph: Graph, operator: Operator) -> list[float]:
    """Return what scales forget * cell, input * candidate, and tanh(cell) * output."""
    cell = graph.tensor(operator.inputs[_CELL]).scale
    hidden = graph.tensor(operator.inputs[_HIDDEN]).scale
    return [_FUNCTION_SCALE * cell / cell, _FUNCTION_SCALE**2 / cell, _FUNCTION_SCALE**2 / hidden]


def _clip(graph: Graph, operator: Operator) -> int:
    """Return the greatest cell state, 0 if it is clipped to nothing, -1 if it is not clipped."""
    if operator.attributes.cell_clip == 0:
        return -1
    scale = graph.tensor(operator.inputs[_CELL]).scale
    return int(min(operator.attributes.cell_clip / scale, 32767.0))


def _tanh(graph: Graph, operator: Operator) -> tuple[int, int]:
    """Return by what the cell state is multiplied and shifted for tanh."""
    shift = _cell_power(graph.tensor(operator.inputs[_CELL])) + 12
    return (3 << shift, 0) if shift >= 0 else (3, -shift)


def _saturated(values: Ints) -> Ints:
    return np.clip(values, -32768, 32767)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    hidden, cell = (values[i].ravel().astype(np.int64) for i in (_HIDDEN, _CELL))
    rows = []
    for row in values[_INPUT].reshape(-1, values[_INPUT].shape[-1]).astype(np.int64):
        gates = [_gate(graph, operator, gate, row, hidden) for gate in _GATES]
        hidden, cell = _step(graph, operator, gates, cell)
        rows.append(hidden)
    target = graph.tensor(operator.outputs[0])
    return (
        np.stack(rows).astype(np.int8).reshape(target.shape),
        hidden.astype(np.int8).reshape(values[_HIDDEN].shape),
        cell.astype(np.int16).reshape(values[_CELL].shape),
    )


def _gate(graph: Graph, operator: Operator, gate: int, row: Ints, hidden: Ints) -> Ints:
    """Return what a gate lets through, in Q0.15."""
    total = np.zeros(hidden.size, np.int64)
    for part, read in ((2 * gate, row), (2 * gate + 1, hidden)):
        centred = read - _read_by(graph, operator, part).zero_point
        sums = _rows(graph, operator, part) @ centred + _bias(graph, operator, part)
        pair = fixedpoint.quantize_multiplier(_factors(graph, operator)[part])
        total += _saturated(fixedpoint.requantize(sums, *pair))
    argument = 3 * _saturated(total)
    return fixedpoint.tanh_q15(argument) if gate == 2 else fixedpoint.logistic_q15(argument)


def _step(graph: Graph, operator: Operator, gates: list[Ints], cell: Ints) -> tuple[Ints, Ints]:
    """Return the new hidden and cell states."""
    input_gate, forget, candidate, output = gates
    pairs = [fixedpoint.quantize_multiplier(f) for f in _state_factors(graph, operator)]
    kept = _saturated(fixedpoint.requantize(forget * cell, *pairs[0]))
    added = _saturated(fixedpoint.requantize(input_gate * candidate, *pairs[1]))
    cell = _saturated(kept + added)
    clip = _clip(graph, operator)
    if clip >= 0:
        cell = np.clip(cell, -clip, clip)
    multiplier, shift = _tanh(graph, operator)
    half = 1 << (shift - 1) if shift else 0
    shown = fixedpoint.tanh_q15((cell * multiplier + half) >> shift)
    zero_point = graph.tensor(operator.inputs[_HIDDEN]).zero_point
    hidden = fixedpoint.requantize(shown * output, *pairs[2]) + zero_point
    return np.clip(hidden, -128, 127), cell


def _lower(graph: Graph, operator: Operator, options: LowerOptions) -> Layer:
    units = graph.tensor(operator.outputs[0]).shape[-1]
    parts = [_rows(graph, operator, part).astype(np.int8) for part in range(8)]
    blocks = [part[unit : unit + 1] for unit in range(units) for part in parts]
    return choose(partial(_lower_as, graph, operator, blocks), blocks, options)


def _lower_as(
    graph: Graph, operator: Operator, blocks: Sequence[Matrix], encoded: Encoded
) -> Layer:
    source, target = graph.tensor(operator.inputs[_INPUT]), graph.tensor(operator.outputs[0])
    inputs, units, steps = source.shape[-1], target.shape[-1], _steps(source)
    positions = np.arange(steps)
    access = read_while_writing(
        Steps(positions * inputs, (positions + 1) * inputs, units), units - 1
    )
    bias = np.stack([_folded_bias(graph, operator, part) for part in range(8)], axis=1)
    sparse = "_sparse" if encoded.encoding == "sparse" else ""
    number = operator.inputs[_INPUT]
    assert number is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=summary_of(f"LSTM {inputs} -> {units}, {steps} steps", "", encoded),
        kernel=f"tk_lstm{sparse}_s8",
        record=f"tk_lstm{sparse}_layer",
        fields=_fields(graph, operator, (steps, inputs, units), encoded),
        inputs=(number, *operator.states),
        outputs=operator.outputs,
        tables=(*encoded.tables, Table("bias", bias.astype(np.int32), "bias")),
        access=(forward_only(access, source.bytes),),
        macs=steps * sum(rows.size for rows in blocks),
        encoding=encoded.encoding,
        work=work.lstm(blocks, steps, units, bool(sparse)),
    )


def _folded_bias(graph: Graph, operator: Operator, part: int) -> Ints:
    zero_point = _read_by(graph, operator, part).zero_point
    sums = _rows(graph, operator, part).sum(axis=1)
    return np.asarray(_bias(graph, operator, part) - zero_point * sums, np.int64)


def _fields(
    graph: Graph, operator: Operator, sizes: tuple[int, int, int], encoded: Encoded
) -> tuple[Field, ...]:
    products = [fixedpoint.quantize_multiplier(f) for f in _factors(graph, operator)]
    forget, added, hidden = (
        fixedpoint.quantize_multiplier(f) for f in _state_factors(graph, operator)
    )
    multiplier, shift = _tanh(graph, operator)
    scaling: tuple[Field, ...] = (
        ("product_multiplier", c_row([pair[0] for pair in products])),
        ("product_shift", c_row([pair[1] for pair in products])),
        ("forget_shift", forget[1]),
        ("input_shift", added[1]),
        ("hidden_shift", hidden[1]),
        ("hidden_zero", graph.tensor(operator.inputs[_HIDDEN]).zero_point),
        ("forget_multiplier", forget[0]),
        ("input_multiplier", added[0]),
        ("hidden_multiplier", hidden[0]),
        ("tanh_multiplier", multiplier),
        ("tanh_shift", shift),
        ("cell_clip", _clip(graph, operator)),
    )
    return (
        *zip(("steps", "inputs", "units"), sizes, strict=True),
        *encoded.fields(operator.name),
        ("bias", f"{operator.name}_bias"),
        ("scaling", scaling),
    )


KIND = OpKind(
    options=tflite.UnidirectionalSequenceLSTMOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="batch 1, int16 cell state, tanh; no peepholes, projection or layer normalization; the "
    "state stays between inferences",
    stateful=True,
)
