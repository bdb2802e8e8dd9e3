"""AVERAGE_POOL_2D and MAX_POOL_2D: one number for each window of each channel."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.access import read_while_writing
from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.codegen.ops.samples import by_sample
from tinykit.codegen.ops.width import refuse_other_activations, width_of
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator

_NOWHERE = -(1 << 20)  # what a tap outside of the image reads; no int16 value


@dataclass(frozen=True, slots=True)
class Pool:
    """Attributes of both pools; pairs are (height, width)."""

    padding: int | shared.Pads
    kernel: tuple[int, int]
    stride: tuple[int, int]
    activation: int


def _read(options: Any) -> Pool:
    return Pool(
        padding=options.Padding(),
        kernel=(options.FilterHeight(), options.FilterWidth()),
        stride=(options.StrideH(), options.StrideW()),
        activation=options.FusedActivationFunction(),
    )


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    refuse_other_activations(source, target)
    shared.refuse_other_rank(source, 4)
    shared.refuse_other_rank(target, 4)
    shared.refuse_unknown_activation(operator.attributes.activation, target)
    shared.refuse_other_scale(source, target, 1e-6)
    if source.shape[3] != target.shape[3]:
        raise RefusedError(
            f"makes {target.shape[3]} channels of {source.shape[3]}", shared.QUANTIZE
        )
    view, width = _window(graph, operator), width_of(source)
    taps = min(view.kernel[0], view.image[0]) * min(view.kernel[1], view.image[1])
    if taps * -width.low > fixedpoint.INT32_MAX:
        raise RefusedError(f"sums {taps} values in int32", "use a smaller window")


def _window(graph: Graph, operator: Operator) -> shared.Window:
    attributes: Pool = operator.attributes
    return shared.window(
        graph.tensor(operator.inputs[0]),
        graph.tensor(operator.outputs[0]),
        attributes.kernel,
        attributes.stride,
        (1, 1),
        attributes.padding,
    )


def _taps(graph: Graph, operator: Operator, values: Arrays) -> shared.Ints:
    view = _window(graph, operator)
    taps = shared.columns(values[0].astype(np.int64), view, _NOWHERE)
    return taps.reshape(*view.output, -1, taps.shape[-1])


def _clamped(graph: Graph, operator: Operator, values: shared.Ints) -> Arrays:
    target = graph.tensor(operator.outputs[0])
    low, high = shared.activation_range(operator.attributes.activation, target)
    return (np.clip(values, low, high).astype(target.dtype)[None],)


def _evaluate_max(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return _clamped(graph, operator, _taps(graph, operator, values).max(axis=2))


def _evaluate_average(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    taps = _taps(graph, operator, values)
    inside = taps != _NOWHERE
    count = inside.sum(axis=2)
    total = np.where(inside, taps, 0).sum(axis=2)
    rounded = (np.abs(total) + count // 2) // count  # halves away from zero
    return _clamped(graph, operator, np.where(total > 0, rounded, -rounded))


def _lower_with(graph: Graph, operator: Operator, kernel: str, what: str) -> Layer:
    view = _window(graph, operator)
    target = graph.tensor(operator.outputs[0])
    low, high = shared.activation_range(operator.attributes.activation, target)
    width = width_of(target)
    channel_bytes = target.shape[3] * width.bytes
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{view.kernel[0]}x{view.kernel[1]} {what} of {target.shape[3]} channels",
        kernel=width.kernel(kernel),
        record=width.record("tk_pool_layer"),
        fields=(("min", low), ("max", high), view.field(channel_bytes)),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
        access=(read_while_writing(view.steps(channel_bytes, channel_bytes), 0),),
    )


def _lower_max(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    return _lower_with(graph, operator, "tk_max_pool_s8", "maximum")


def _lower_average(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    return _lower_with(graph, operator, "tk_average_pool_s8", "average")


_LIMITS = "any window and stride; int16 too"
_MAX = OpKind(tflite.Pool2DOptions, _read, _check, _evaluate_max, _lower_max, _LIMITS)
_AVERAGE = OpKind(tflite.Pool2DOptions, _read, _check, _evaluate_average, _lower_average, _LIMITS)
MAX, AVERAGE = (by_sample(kind, _window) for kind in (_MAX, _AVERAGE))
