"""BATCH_MATMUL: products of matrices, either of which may be computed."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import Access, Steps, forward_only, read_while_writing
from tinykit.codegen.c import c_row
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.dense import Dense, as_image, convolution
from tinykit.codegen.ops.product import Product
from tinykit.codegen.ops.shared import Ints
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_MOST_RANK = 5
_MOST_DEPTH = fixedpoint.INT32_MAX // 255**2  # both inputs are at most 255 from their zero points


@dataclass(frozen=True, slots=True)
class BatchMatmul:
    """Attributes of BATCH_MATMUL: whether the last two axes of an input are exchanged."""

    transpose_a: bool
    transpose_b: bool


@dataclass(frozen=True, slots=True, eq=False)
class _View:
    """Hold one input as matrices: a step in bytes for each of three axes of batches, and two."""

    batches: tuple[int, ...]
    rows: int
    columns: int
    row: int
    column: int
    steps: tuple[int, ...]

    @staticmethod
    def of(tensor: Tensor, transposed: bool) -> "_View":
        shape = (1,) * (_MOST_RANK - len(tensor.shape)) + tensor.shape
        size = shape[3] * shape[4]
        steps = (shape[1] * shape[2] * size, shape[2] * size, size)
        repeated = tuple(0 if shape[i] == 1 else steps[i] for i in range(3))
        if transposed:
            return _View(shape[:3], shape[4], shape[3], 1, shape[4], repeated)
        return _View(shape[:3], shape[3], shape[4], shape[4], 1, repeated)


def _read(options: Any) -> BatchMatmul:
    if options is None:
        return BatchMatmul(transpose_a=False, transpose_b=False)
    return BatchMatmul(bool(options.AdjX()), bool(options.AdjY()))


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    if operator.inputs[1] is None:
        raise RefusedError("has one input", shared.QUANTIZE)
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    target = graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(left, right, target)
    for tensor in (left, right):
        if not 2 <= len(tensor.shape) <= _MOST_RANK:
            raise RefusedError(
                f"multiplies '{tensor.name}' of shape {tensor.shape}",
                f"matrices have 2 to {_MOST_RANK} dimensions",
            )
    a, b = _views(graph, operator)
    broadcast = all(m == n or 1 in (m, n) for m, n in zip(a.batches, b.batches, strict=True))
    if not broadcast or a.columns != b.rows or _shape(graph, operator) != target.shape:
        raise RefusedError(
            f"multiplies {left.shape} by {right.shape} to {target.shape}", shared.QUANTIZE
        )
    if a.columns > _MOST_DEPTH:
        raise RefusedError(
            f"can reach {a.columns * 255**2} in its int32 sums", "use fewer inputs to this layer"
        )
    shared.refuse_large_sizes(*_batches(a, b), a.rows, a.columns, b.columns)
    shared.refuse_large_factors([_factor(graph, operator)])


def _views(graph: Graph, operator: Operator) -> tuple[_View, _View]:
    attributes: BatchMatmul = operator.attributes
    return (
        _View.of(graph.tensor(operator.inputs[0]), attributes.transpose_a),
        _View.of(graph.tensor(operator.inputs[1]), attributes.transpose_b),
    )


def _batches(a: _View, b: _View) -> tuple[int, ...]:
    return tuple(max(pair) for pair in zip(a.batches, b.batches, strict=True))


def _shape(graph: Graph, operator: Operator) -> tuple[int, ...]:
    """Return the shape of the product."""
    a, b = _views(graph, operator)
    rank = max(len(graph.tensor(number).shape) for number in operator.inputs)
    return (*_batches(a, b), a.rows, b.columns)[_MOST_RANK - rank :]


def _factor(graph: Graph, operator: Operator) -> float:
    """Return the factor; TFLM before 2026-10 rounds the product to single precision."""
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    return left.scale * right.scale / graph.tensor(operator.outputs[0]).scale


def _scaling(graph: Graph, operator: Operator) -> shared.Scaling:
    none = tflite.ActivationFunctionType.NONE
    return shared.scaling([_factor(graph, operator)], graph.tensor(operator.outputs[0]), none)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    attributes: BatchMatmul = operator.attributes
    left, right = (
        value.astype(np.int64) - graph.tensor(number).zero_point
        for value, number in zip(values, operator.inputs, strict=True)
    )
    left = np.swapaxes(left, -1, -2) if attributes.transpose_a else left
    right = np.swapaxes(right, -1, -2) if attributes.transpose_b else right
    return (_scaling(graph, operator).apply(np.matmul(left, right)),)


def _lower(graph: Graph, operator: Operator, options: LowerOptions) -> Layer:
    rows = _weights(graph, operator)
    if rows is None:
        return _lower_computed(graph, operator)
    source = graph.tensor(operator.inputs[0])
    product = Product(
        rows=rows,
        bias=np.zeros(len(rows), np.int64),
        input_zero_point=source.zero_point,
        scaling=_scaling(graph, operator),
    )
    inputs = rows.shape[1]
    view = as_image(source.elements // inputs)
    plain = Dense(tflite.ActivationFunctionType.NONE, 0)
    return convolution(replace(operator, attributes=plain), product, view, inputs, options)


def _weights(graph: Graph, operator: Operator) -> Ints | None:
    """Return a constant matrix on the right as the weights of a dense layer, if it can be one.

    A zero point is subtracted beforehand, where what is left still fits int8.
    """
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    a, b = _views(graph, operator)
    if right.data is None or left.data is not None or operator.attributes.transpose_a:
        return None
    positions = a.rows * int(np.prod(a.batches))
    if max(b.batches) > 1 or positions > shared.MOST_SIZE:
        return None
    matrix = right.data.astype(np.int64).reshape(right.shape[-2:]) - right.zero_point
    if matrix.min() < -128 or matrix.max() > 127:
        return None
    rows: Ints = matrix if operator.attributes.transpose_b else matrix.T
    return rows


def _lower_computed(graph: Graph, operator: Operator) -> Layer:
    a, b = _views(graph, operator)
    left, right = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    target = graph.tensor(operator.outputs[0])
    multiplier, shift = fixedpoint.quantize_multiplier(_factor(graph, operator))
    batches = _batches(a, b)
    size = f"{a.rows}x{a.columns} by {b.rows}x{b.columns}"
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{int(np.prod(batches))} matrix products, {size}",
        kernel="tk_batch_matmul_s8",
        record="tk_batch_matmul_layer",
        fields=(
            ("batches", c_row(batches)),
            ("rows", a.rows),
            ("depth", a.columns),
            ("columns", b.columns),
            ("a_batch", c_row(a.steps)),
            ("a_row", a.row),
            ("a_depth", a.column),
            ("b_batch", c_row(b.steps)),
            ("b_depth", b.row),
            ("b_column", b.column),
            ("a_zero", left.zero_point),
            ("b_zero", right.zero_point),
            ("out_zero", target.zero_point),
            ("shift", shift),
            ("multiplier", multiplier),
        ),
        inputs=tuple(number for number in operator.inputs if number is not None),
        outputs=operator.outputs,
        access=(_access(a, batches, b.columns, left), _access_whole(a, b, right)),
        macs=int(np.prod(batches)) * a.rows * a.columns * b.columns,
    )


def _access(a: _View, batches: tuple[int, ...], columns: int, left: Tensor) -> Access:
    """Say how the left input is read: a row for each row that is written."""
    starts = _starts(a, batches)[:, None] + np.arange(a.rows)[None, :] * a.row
    return _steps(starts.ravel(), (a.columns - 1) * a.column + 1, columns, left.bytes)


def _access_whole(a: _View, b: _View, right: Tensor) -> Access:
    """Say how the right input is read: all of a matrix for each row that is written."""
    starts = np.repeat(_starts(b, _batches(a, b)), a.rows)
    return _steps(starts, b.rows * b.columns, b.columns, right.bytes)


def _starts(view: _View, batches: tuple[int, ...]) -> Ints:
    grid = np.indices(batches).reshape(3, -1)
    return np.asarray(np.array(view.steps) @ grid, np.int64)


def _steps(starts: Ints, read: int, written: int, source_bytes: int) -> Access:
    steps = Steps(starts, starts + read, written)
    return forward_only(read_while_writing(steps, written - 1), source_bytes)


KIND = OpKind(
    options=tflite.BatchMatMulOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="2 to 5 dimensions, either side constant or computed, transposed or broadcast",
)
