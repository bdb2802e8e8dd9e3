"""TRANSPOSE_CONV: a convolution turned around, whose every input spreads over a window of outputs.

The outputs fall into phases, by their position modulo the stride, each reached by its own taps of
the window. So it is one small convolution for each phase, and none multiplies by a hole.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import tflite

from tinykit.codegen import packed, work
from tinykit.codegen.access import Access, Steps, by_fours, copied_first, read_while_writing
from tinykit.codegen.encode import Encoded, choose
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError, Table
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.product import Product, summary_of
from tinykit.codegen.ops.samples import by_sample
from tinykit.codegen.ops.shared import Ints, Window
from tinykit.core.graph import Graph, Operator

_SHAPE, _WEIGHTS, _INPUT, _BIAS = range(4)


@dataclass(frozen=True, slots=True)
class TransposeConv:
    """Attributes of TRANSPOSE_CONV; pairs are (height, width)."""

    padding: int
    stride: tuple[int, int]
    activation: int


@dataclass(frozen=True, slots=True, eq=False)
class _Phase:
    """Hold the taps of one axis that reach an output, the one of the first input first."""

    taps: Ints

    @staticmethod
    def of(number: int, stride: int, kernel: int) -> "_Phase":
        return _Phase(np.arange(number, kernel, stride)[::-1])


def _read(options: Any) -> TransposeConv:
    return TransposeConv(
        padding=options.Padding(),
        stride=(options.StrideH(), options.StrideW()),
        activation=options.FusedActivationFunction(),
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (3, 4))
    if operator.inputs[_INPUT] is None:
        raise RefusedError("has no input", shared.QUANTIZE)
    source, target = graph.tensor(operator.inputs[_INPUT]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, target)
    shared.refuse_other_rank(source, 4)
    shared.refuse_other_rank(target, 4)
    _check_shape(graph, operator)
    weights = graph.tensor(operator.inputs[_WEIGHTS])
    if len(weights.shape) != 4 or weights.shape[::3] != (target.shape[3], source.shape[3]):
        raise RefusedError(f"has weights of shape {weights.shape}", shared.QUANTIZE)
    shared.refuse_bad_weights(graph, operator, target.shape[3], _BIAS)
    shared.refuse_unknown_activation(operator.attributes.activation, target)
    shared.refuse_large_factors(shared.channel_factors(graph, operator, _INPUT))
    _window(graph, operator)
    rows = shared.weight_values(graph, operator).reshape(target.shape[3], -1)
    shared.refuse_overflow(rows, shared.bias_values(graph, operator, target.shape[3], _BIAS))


def _check_shape(graph: Graph, operator: Operator) -> None:
    shape, target = graph.tensor(operator.inputs[_SHAPE]), graph.tensor(operator.outputs[0])
    if shape.data is None:
        raise RefusedError(
            f"computes its output shape '{shape.name}' at run time",
            "convert with a fixed output shape: tinykit quantize",
        )
    if tuple(int(n) for n in shape.data.ravel()) != target.shape:
        raise RefusedError(
            f"makes {target.shape} where {shape.data.ravel().tolist()} is asked for",
            shared.QUANTIZE,
        )


def _window(graph: Graph, operator: Operator) -> Window:
    """Return the geometry of the convolution that leads from output to input."""
    attributes: TransposeConv = operator.attributes
    height, width = graph.tensor(operator.inputs[_WEIGHTS]).shape[1:3]
    view = shared.window(
        graph.tensor(operator.outputs[0]),
        graph.tensor(operator.inputs[_INPUT]),
        (height, width),
        attributes.stride,
        (1, 1),
        attributes.padding,
    )
    return Window(view.output, view.kernel, view.stride, (1, 1), view.pad, view.image)


def _phases(view: Window, axis: int) -> list[_Phase]:
    return [_Phase.of(n, view.stride[axis], view.kernel[axis]) for n in range(view.stride[axis])]


def _products(graph: Graph, operator: Operator) -> list[Product]:
    """Return the product of each phase, rows before columns."""
    view, weights = _window(graph, operator), shared.weight_values(graph, operator)
    source = graph.tensor(operator.inputs[_INPUT])
    scaling = shared.scaling(
        shared.channel_factors(graph, operator, _INPUT),
        graph.tensor(operator.outputs[0]),
        operator.attributes.activation,
    )
    bias = shared.bias_values(graph, operator, weights.shape[0], _BIAS)
    plain = packed.fits(weights.reshape(len(weights), -1), bias, scaling)
    return [
        Product(
            weights[:, row.taps][:, :, column.taps].reshape(weights.shape[0], -1),
            bias,
            source.zero_point,
            scaling,
            plain,
        )
        for row in _phases(view, 0)
        for column in _phases(view, 1)
    ]


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    """Spread every input over its window, as TFLM does, which checks the phases too."""
    view, weights = _window(graph, operator), shared.weight_values(graph, operator)
    centred = values[_INPUT][0].astype(np.int64) - graph.tensor(operator.inputs[_INPUT]).zero_point
    reach = [view.image[i] * view.stride[i] + view.kernel[i] + view.output[i] for i in range(2)]
    sums = np.zeros((*reach, weights.shape[0]), np.int64)
    for ky in range(view.kernel[0]):
        for kx in range(view.kernel[1]):
            rows = slice(ky, ky + view.image[0] * view.stride[0], view.stride[0])
            columns = slice(kx, kx + view.image[1] * view.stride[1], view.stride[1])
            sums[rows, columns] += centred @ weights[:, ky, kx].T
    inside = sums[view.pad[0] :, view.pad[1] :][: view.output[0], : view.output[1]]
    (product, *_) = _products(graph, operator)
    return (product.scaling.apply(inside + product.bias)[None],)


def _lower(graph: Graph, operator: Operator, options: LowerOptions) -> Layer:
    products = _products(graph, operator)
    blocks = [product.rows.astype(np.int8) for product in products]
    return choose(partial(_lower_as, graph, operator, products), blocks, options)


def _lower_as(
    graph: Graph, operator: Operator, products: Sequence[Product], encoded: Encoded
) -> Layer:
    view = _window(graph, operator)
    source = graph.tensor(operator.inputs[_INPUT])
    outputs = graph.tensor(operator.outputs[0]).shape[3]
    kernel = "tk_transpose_conv_s8"
    if encoded.encoding == "sparse":
        kernel = "tk_transpose_conv_sparse_s8"
    number = operator.inputs[_INPUT]
    assert number is not None
    shape = f"{view.kernel[0]}x{view.kernel[1]} transposed convolution "
    shape += f"{source.shape[3]} -> {outputs}"
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=summary_of(shape, shared.activation_name(operator.attributes.activation), encoded),
        kernel=kernel,
        record=kernel.replace("_s8", "_layer"),
        fields=_fields(operator.name, view, products, source.shape[3], encoded),
        inputs=(number,),
        outputs=operator.outputs,
        tables=_tables(products, encoded),
        takes_scratch=True,
        scratch_bytes=max(product.rows.shape[1] for product in products),
        access=(access(view, source.shape[3], outputs, encoded.encoding == "dense"),),
        macs=view.image[0] * view.image[1] * sum(product.rows.size for product in products),
        encoding=encoded.encoding,
        work=_work(view, products, encoded),
    )


def _work(view: Window, products: Sequence[Product], encoded: Encoded) -> work.Work:
    """Count the product of each phase at the outputs that have it, and gathering its inputs."""
    phases = [(row, column) for row in _phases(view, 0) for column in _phases(view, 1)]
    times = [
        np.bincount(_spread(view, i) % view.stride[i], minlength=view.stride[i]) for i in (0, 1)
    ]
    parts: list[work.Work] = []
    for (row, column), product, count in zip(phases, products, np.outer(*times).flat, strict=True):
        here = int(count)
        lines, taps = len(row.taps), len(row.taps) * len(column.taps)
        copied = 0 if taps == 1 else here  # a single tap is read where it lies
        gathered = {
            "windows": here,
            "window lines": copied * lines,
            "window bytes": copied * product.rows.shape[1],
            "empty": 0 if taps else here,
        }
        parts.append(product.count_work(encoded, here) | gathered)
    outside = [_outside(view, axis) for axis in (0, 1)]
    inside = [int(np.sum(taps == 0)) for taps in outside]
    gathered = {"edges": view.output[0] * view.output[1] - inside[0] * inside[1]}
    return work.summed(parts) | gathered | {"outside": work.crossed(*outside)}


def _outside(view: Window, axis: int) -> Ints:
    """Return how many taps of each output of an axis lie outside of the image."""
    last = _spread(view, axis) // view.stride[axis]
    taps = np.array([len(phase.taps) for phase in _phases(view, axis)])
    count = taps[_spread(view, axis) % view.stride[axis]]
    first = last - count + 1
    outside = np.maximum(-first, 0) + np.maximum(last - view.image[axis] + 1, 0)
    return np.asarray(np.minimum(outside, count))


def _fields(
    name: str, view: Window, products: Sequence[Product], channels: int, encoded: Encoded
) -> tuple[Field, ...]:
    matrix = "dense" if encoded.encoding == "dense" else "sparse"
    starts: list[Field] = [("starts", f"{name}_starts")]
    if matrix == "sparse":
        starts.append(("count_starts", f"{name}_count_starts"))
    product = tuple(f for f in products[0].fields(name, encoded) if f[0] != "inputs")
    return (
        ("pad_value", products[0].input_zero_point),
        view.field(channels),
        *starts,
        (matrix, product),
    )


def _tables(products: Sequence[Product], encoded: Encoded) -> tuple[Table, ...]:
    """Make the tables of all phases, and of where each begins."""
    if encoded.encoding == "dense":
        starts = [_starts("starts", [product.rows.size for product in products])]
    else:
        counts = [len(p.rows) * -(-p.rows.shape[1] // work.SEGMENT) for p in products]
        starts = [
            _starts("starts", [int(np.count_nonzero(p.rows)) for p in products]),
            _starts("count_starts", counts),
        ]
    bias = np.concatenate([product.folded_bias() for product in products]).astype(np.int32)
    scaling = shared.scaling_tables(products[0].scaling)
    return (*encoded.tables, *starts, Table("bias", bias, "bias"), *scaling)


def _starts(name: str, sizes: list[int]) -> Table:
    return Table(name, np.cumsum([0, *sizes[:-1]]).astype(np.uint32), "indices")


def access(view: Window, channels: int, outputs: int, dense: bool) -> Access:
    """Say what each output position reads: nothing where no tap of its phase meets the image."""
    low, high = zip(_reach(view, 0), _reach(view, 1), strict=True)
    first = low[0][:, None] * view.image[1] + low[1][None, :]
    last = high[0][:, None] * view.image[1] + high[1][None, :] + 1
    nothing = (high[0] < low[0])[:, None] | (high[1] < low[1])[None, :]
    end = view.image[0] * view.image[1]
    steps = Steps(
        np.where(nothing, end, first).ravel() * channels,
        np.where(nothing, 0, last).ravel() * channels,
        outputs,
    )
    # a phase of one tap is read where it lies
    single = all(any(len(phase.taps) == 1 for phase in _phases(view, axis)) for axis in range(2))
    if not single:
        return copied_first(steps)
    return by_fours(steps) if dense else read_while_writing(steps, outputs - 1)


def _spread(view: Window, axis: int) -> Ints:
    """Return how far into the padded image each output of an axis lies."""
    return np.arange(view.output[axis]) + view.pad[axis]


def _reach(view: Window, axis: int) -> tuple[Ints, Ints]:
    """Return the first and the last input that each output of an axis reads."""
    spread = _spread(view, axis)
    taps = np.array([len(phase.taps) for phase in _phases(view, axis)])
    last = spread // view.stride[axis]
    first = last - taps[spread % view.stride[axis]] + 1
    return np.maximum(first, 0), np.minimum(last, view.image[axis] - 1)


_ONE = OpKind(
    options=tflite.TransposeConvOptions,
    read=_read,
    check=_check,
    evaluate=_evaluate,
    lower=_lower,
    limits="constant symmetric int8 weights and constant output shape; any stride",
)
KIND = by_sample(_ONE, _window, _INPUT, _SHAPE)
