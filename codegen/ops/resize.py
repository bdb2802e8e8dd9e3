"""RESIZE_NEAREST_NEIGHBOR and RESIZE_BILINEAR: an image of another height and width."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator

_ONE = 1 << 10  # the fixed point of RESIZE_BILINEAR


@dataclass(frozen=True, slots=True)
class Resize:
    """Attributes of both; the size is their second input."""

    align_corners: bool
    half_pixel_centers: bool


def _read(options: Any) -> Resize:
    if options is None:
        return Resize(False, False)
    return Resize(bool(options.AlignCorners()), bool(options.HalfPixelCenters()))


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    size = moving.constants(graph, operator.inputs[1], "size")
    if len(source.shape) != 4 or len(size) != 2:
        raise RefusedError(f"resizes {source.shape} to {size}", shared.QUANTIZE)
    moving.refuse_other_shape(target, (source.shape[0], *size, source.shape[3]))
    shared.refuse_large_sizes(*source.shape, *target.shape)


def _check_nearest(graph: Graph, operator: Operator) -> None:
    _check(graph, operator)
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), ("int8", "int16", "float32"))
    moving.refuse_unlowerable(graph, [_copy(graph, operator)])


def _check_bilinear(graph: Graph, operator: Operator) -> None:
    _check(graph, operator)
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    shared.refuse_not_int8(source, target)
    attributes: Resize = operator.attributes
    if attributes.align_corners and attributes.half_pixel_centers:
        raise RefusedError("has aligned corners and half pixels, as TFLM cannot", "use one of them")
    for axis, mixes in enumerate(_mixes(graph, operator), 1):
        last = max(mix.low for mix in mixes)
        if last >= source.shape[axis]:
            raise RefusedError(
                f"reads place {last} of {source.shape[axis]} by TFLM's rounding", "resize less"
            )


def _nearest(attributes: Resize, length: int, count: int) -> tuple[int, ...]:
    """Return which place each place reads, in float32 as tflite's GetNearestNeighbor."""
    spans = (length - 1, count - 1) if attributes.align_corners and count > 1 else (length, count)
    scale = np.float32(spans[0]) / np.float32(spans[1])
    offset = np.float32(0.5 if attributes.half_pixel_centers else 0.0)
    places = (np.arange(count).astype(np.float32) + offset) * scale
    exact = places.astype(np.float64)
    found = np.floor(exact + 0.5) if attributes.align_corners else np.floor(exact)
    return tuple(int(place) for place in np.minimum(found, length - 1))


def _indices(graph: Graph, operator: Operator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    attributes: Resize = operator.attributes
    return (
        _nearest(attributes, source.shape[1], target.shape[1]),
        _nearest(attributes, source.shape[2], target.shape[2]),
    )


def _copy(graph: Graph, operator: Operator) -> moving.Copy:
    number, target = operator.inputs[0], operator.outputs[0]
    assert number is not None
    shape = graph.tensor(target).shape
    read, write = moving.steps(graph.tensor(number).shape), moving.steps(shape)
    axes = tuple(map(moving.Axis, shape, read, write, (None, *_indices(graph, operator), None)))
    return moving.Copy(number, target, axes)


def _evaluate_nearest(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    rows, columns = _indices(graph, operator)
    return (values[0][:, rows][:, :, columns],)


def _lower_nearest(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, [_copy(graph, operator)])


@dataclass(frozen=True, slots=True)
class _Mix:
    """Hold the two places between which an output place lies, and how far it is from the first."""

    low: int
    high: int
    distance: int


def _step(attributes: Resize, length: int, count: int) -> int:
    if attributes.align_corners and count > 1:
        length, count = length - 1, count - 1
    return (_ONE * length + count // 2) // count


def _mixes(graph: Graph, operator: Operator) -> tuple[list[_Mix], list[_Mix]]:
    """Work out each axis as tflite's ComputeInterpolationValuesInteger."""
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    found: tuple[list[_Mix], list[_Mix]] = ([], [])
    for axis in range(2):
        length, count = source.shape[axis + 1], target.shape[axis + 1]
        step = _step(operator.attributes, length, count)
        start = step // 2 - _ONE // 2 if operator.attributes.half_pixel_centers else 0
        for at in range(start, start + count * step, step) if step else [start] * count:
            low = max(at, 0) // _ONE
            high = min((at + _ONE - 1) // _ONE, length - 1)
            found[axis].append(_Mix(low, high, at - low * _ONE))
    return found


def _evaluate_bilinear(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    rows, columns = _mixes(graph, operator)
    image = values[0].astype(np.int64)
    total = np.zeros((), np.int64)
    for row in range(2):
        for column in range(2):
            ys = [mix.high if row else mix.low for mix in rows]
            xs = [mix.high if column else mix.low for mix in columns]
            tall = [mix.distance if row else _ONE - mix.distance for mix in rows]
            wide = [mix.distance if column else _ONE - mix.distance for mix in columns]
            weights = np.multiply.outer(np.array(tall, np.int64), np.array(wide, np.int64))
            total = total + image[:, ys][:, :, xs] * weights[None, :, :, None]
    half = _ONE * _ONE // 2
    rounded = (np.abs(total) + half) // (_ONE * _ONE)  # halves away from zero
    return (np.where(total > 0, rounded, -rounded).astype(np.int8),)


def _lower_bilinear(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    attributes: Resize = operator.attributes
    batch, height, width, channels = source.shape
    assert operator.inputs[0] is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{height}x{width} to {target.shape[1]}x{target.shape[2]}, {channels} channels",
        kernel="tk_resize_bilinear_s8",
        record="tk_resize_layer",
        fields=(
            ("batch", batch),
            ("in_height", height),
            ("in_width", width),
            ("out_height", target.shape[1]),
            ("out_width", target.shape[2]),
            ("channels", channels),
            ("half_pixel", int(attributes.half_pixel_centers)),
            ("row_step", _step(attributes, height, target.shape[1])),
            ("column_step", _step(attributes, width, target.shape[2])),
        ),
        inputs=(operator.inputs[0],),
        outputs=operator.outputs,
    )


NEAREST = OpKind(
    tflite.ResizeNearestNeighborOptions,
    _read,
    _check_nearest,
    _evaluate_nearest,
    _lower_nearest,
    "a constant size; int16 too",
)
BILINEAR = OpKind(
    tflite.ResizeBilinearOptions,
    _read,
    _check_bilinear,
    _evaluate_bilinear,
    _lower_bilinear,
    "a constant size",
)
