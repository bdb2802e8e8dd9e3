"""SPACE_TO_DEPTH, DEPTH_TO_SPACE, SPACE_TO_BATCH_ND and BATCH_TO_SPACE_ND: blocks of an image."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator

_DTYPES = ("int8", "float32")
_MOST_BLOCKS = 64  # a kernel call each where a batch is padded
Pair = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Block:
    """Attributes of both depth operators."""

    size: int


@dataclass(frozen=True, slots=True)
class Batches:
    """Hold a batch operator; an image of (batch, height, channels) is one column wide."""

    block: Pair
    pads: tuple[Pair, Pair]
    source: tuple[int, int, int, int]
    target: tuple[int, int, int, int]


def _read(options: Any) -> Block:
    return Block(options.BlockSize() if options is not None else 0)


def _check_depth(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), _DTYPES)
    size = operator.attributes.size
    to_depth = operator.kind == "SPACE_TO_DEPTH"
    small, wide = (target, source) if to_depth else (source, target)
    if len(source.shape) != 4 or len(target.shape) != 4 or size < 1:
        raise RefusedError(f"makes blocks of {size} of {source.shape}", shared.QUANTIZE)
    batch, height, width, channels = small.shape
    if channels % (size * size):
        raise RefusedError(f"makes blocks of {size} of {channels} channels", shared.QUANTIZE)
    shape = (batch, height * size, width * size, channels // (size * size))
    if wide.shape != shape:
        raise RefusedError(f"makes {target.shape} of {source.shape}", shared.QUANTIZE)
    moving.refuse_unlowerable(graph, [_depth_copy(graph, operator)])


def _blocks(graph: Graph, operator: Operator) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Return the image as (batch, rows, block, columns, block, channels), and the order read."""
    number = operator.inputs[0] if operator.kind == "SPACE_TO_DEPTH" else operator.outputs[0]
    batch, height, width, channels = graph.tensor(number).shape
    size = operator.attributes.size
    return (batch, height // size, size, width // size, size, channels), (0, 1, 3, 2, 4, 5)


def _depth_copy(graph: Graph, operator: Operator) -> moving.Copy:
    shape, order = _blocks(graph, operator)
    image, depth = moving.steps(shape), moving.steps([shape[axis] for axis in order])
    depth = tuple(depth[axis] for axis in order)  # the order is its own inverse
    read, write = (image, depth) if operator.kind == "SPACE_TO_DEPTH" else (depth, image)
    assert operator.inputs[0] is not None
    axes = tuple(map(moving.Axis, shape, read, write))
    if operator.kind == "SPACE_TO_DEPTH":
        axes = tuple(axes[axis] for axis in order)
    return moving.Copy(operator.inputs[0], operator.outputs[0], axes)


def _evaluate_depth(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    shape, order = _blocks(graph, operator)
    if operator.kind == "DEPTH_TO_SPACE":
        shape = tuple(shape[axis] for axis in order)
    split = values[0].reshape(shape).transpose(order)
    return (split.reshape(graph.tensor(operator.outputs[0]).shape),)


def _lower_depth(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, [_depth_copy(graph, operator)])


def _check_batches(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (3,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (source, target), _DTYPES)
    found = batches(graph, operator)
    small, wide = found.source, found.target
    if operator.kind == "SPACE_TO_BATCH_ND":
        small, wide = wide, small
    blocks = found.block[0] * found.block[1]
    shape = [small[0] // blocks, 0, 0, small[3]]
    for axis in range(2):
        shape[axis + 1] = small[axis + 1] * found.block[axis] - sum(found.pads[axis])
    if small[0] % blocks or tuple(shape) != wide:
        raise RefusedError(f"makes {target.shape} of {source.shape}", shared.QUANTIZE)
    if blocks > _MOST_BLOCKS:
        raise RefusedError(f"makes {blocks} blocks, the most is {_MOST_BLOCKS}", shared.SMALLER)
    shared.refuse_large_sizes(*source.shape, *target.shape)
    moving.refuse_unlowerable(graph, _batch_copies(graph, operator))


def batches(graph: Graph, operator: Operator) -> Batches:
    """Read the blocks and paddings of a batch operator, and its shapes."""
    block = moving.constants(graph, operator.inputs[1], "blocks")
    pads = moving.constants(graph, operator.inputs[2], "paddings")
    shapes = [graph.tensor(operator.inputs[0]).shape, graph.tensor(operator.outputs[0]).shape]
    rank = len(shapes[0])
    if rank not in (3, 4) or len(shapes[1]) != rank:
        raise RefusedError(f"makes blocks of {shapes[0]}", shared.QUANTIZE)
    if len(block) != rank - 2 or len(pads) != 2 * len(block) or min(*block, *pads) < 0:
        raise RefusedError(f"makes blocks {block}, padded {pads}", shared.QUANTIZE)
    if min(block) < 1:
        raise RefusedError(f"makes blocks {block}", shared.QUANTIZE)
    if rank == 3:
        block, pads = [*block, 1], [*pads, 0, 0]
        shapes = [(*shape[:2], 1, shape[2]) for shape in shapes]
    (a, b, c, d), (e, f, g, h) = shapes
    return Batches(
        (block[0], block[1]), ((pads[0], pads[1]), (pads[2], pads[3])), (a, b, c, d), (e, f, g, h)
    )


def _batch_copies(graph: Graph, operator: Operator) -> list[moving.Copy]:
    number, target = operator.inputs[0], operator.outputs[0]
    assert number is not None
    found = batches(graph, operator)
    if operator.kind == "BATCH_TO_SPACE_ND":
        return [moving.Copy(number, target, _gathered(found))]
    fill = graph.tensor(target).zero_point
    copies = []
    for block in np.ndindex(found.block):
        part = int(block[0]) * found.block[1] + int(block[1])
        start = part * found.source[0] * moving.steps(found.target)[0]
        axes = _scattered(found, block)
        copies.append(moving.Copy(number, target, axes, write=start, fill=fill))
    return copies


def _gathered(found: Batches) -> tuple[moving.Axis, ...]:
    """Read each output place where its block lies: blocks are so many rows or columns behind."""
    batch, _, _, channels = found.target
    _, height, width, _ = found.source
    read, write = moving.steps(found.source), moving.steps(found.target)
    apart = batch * height * width  # columns from one block to the next
    column = [i + found.pads[1][0] for i in range(found.target[2])]
    row = [i + found.pads[0][0] for i in range(found.target[1])]
    columns = tuple(i // found.block[1] + i % found.block[1] * apart for i in column)
    apart = found.block[1] * batch * height  # rows
    rows = tuple(i // found.block[0] + i % found.block[0] * apart for i in row)
    return (
        moving.Axis(batch, read[0], write[0]),
        moving.Axis(len(rows), read[1], write[1], rows),
        moving.Axis(len(columns), read[2], write[2], columns),
        moving.Axis(channels, 1, 1),
    )


def _scattered(found: Batches, block: tuple[int, ...]) -> tuple[moving.Axis, ...]:
    """Read what one block of the output holds."""
    read, write = moving.steps(found.source), moving.steps(found.target)
    axes = [moving.Axis(found.source[0], read[0], write[0])]
    for i in range(2):
        length = found.source[i + 1]
        places = [
            place * found.block[i] + block[i] - found.pads[i][0]
            for place in range(found.target[i + 1])
        ]
        index = tuple(place if 0 <= place < length else moving.OUTSIDE for place in places)
        axes.append(moving.Axis(len(index), read[i + 1], write[i + 1], index))
    return (*axes, moving.Axis(found.source[3], 1, 1))


def _evaluate_batches(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    found = batches(graph, operator)
    (rows, columns), (above, beside) = found.block, found.pads
    image, target = values[0].reshape(found.source), graph.tensor(operator.outputs[0])
    batch, height, width, channels = found.source
    if operator.kind == "SPACE_TO_BATCH_ND":
        zero = target.zero_point
        image = np.pad(image, ((0, 0), above, beside, (0, 0)), constant_values=zero)
        _, height, width, _ = found.target
        split = image.reshape(batch, height, rows, width, columns, channels)
        return (split.transpose(2, 4, 0, 1, 3, 5).reshape(target.shape),)
    split = image.reshape(rows, columns, found.target[0], height, width, channels)
    whole = split.transpose(2, 3, 0, 4, 1, 5)
    whole = whole.reshape(found.target[0], height * rows, width * columns, channels)
    part = whole[:, above[0] : height * rows - above[1], beside[0] : width * columns - beside[1]]
    return (part.reshape(target.shape),)


def _lower_batches(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, _batch_copies(graph, operator))


SPACE_TO_DEPTH = OpKind(
    tflite.SpaceToDepthOptions, _read, _check_depth, _evaluate_depth, _lower_depth
)
DEPTH_TO_SPACE = OpKind(
    tflite.DepthToSpaceOptions, _read, _check_depth, _evaluate_depth, _lower_depth
)
_LIMITS = f"constant blocks, up to {_MOST_BLOCKS}, and paddings"
SPACE_TO_BATCH_ND = OpKind(
    tflite.SpaceToBatchNDOptions,
    shared.no_options,
    _check_batches,
    _evaluate_batches,
    _lower_batches,
    _LIMITS,
)
BATCH_TO_SPACE_ND = OpKind(
    tflite.BatchToSpaceNDOptions,
    shared.no_options,
    _check_batches,
    _evaluate_batches,
    _lower_batches,
    _LIMITS,
)
