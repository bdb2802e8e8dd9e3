"""Give convolutions their dilation back where the converter has made a batch of what they skip.

It writes a dilated convolution as SPACE_TO_BATCH_ND, a convolution of every block, and
BATCH_TO_SPACE_ND. It takes that back itself, but not where two convolutions read the same blocks.
"""

from dataclasses import dataclass, replace

import tflite

from tinykit.codegen.layer import RefusedError
from tinykit.codegen.ops import blocks
from tinykit.codegen.ops.shared import Pads
from tinykit.codegen.ops.table import KINDS
from tinykit.core.graph import Graph, Operator

_VIEWS = ("EXPAND_DIMS", "RESHAPE", "SQUEEZE")
_WINDOWS = ("CONV_2D", "DEPTHWISE_CONV_2D")
Pair = tuple[int, int]
Shape = tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class _Blocks:
    """Hold how an image is taken apart and its outputs are joined; pairs are (height, width).

    Attributes:
        image, parts: the shapes of the image and of its blocks.
        outputs, whole: the shapes of the outputs, block by block and joined.
        block: how many blocks there are.
        before, behind: how far the blocks reach over the edges of the image.
    """

    image: Shape
    parts: Shape
    outputs: Shape
    whole: Shape
    block: Pair
    before: Pair
    behind: Pair

    def turned(self) -> "_Blocks":
        """Return the same along the other axis."""
        (a, b, c, d) = (
            (n, w, h, ch) for n, h, w, ch in (self.image, self.parts, self.outputs, self.whole)
        )
        block, before, behind = ((w, h) for h, w in (self.block, self.before, self.behind))
        return _Blocks(a, b, c, d, block, before, behind)


def dilate(graph: Graph) -> Graph:
    """Return the graph with dilated convolutions; what led to the others may be unread now."""
    for split in graph.operators:
        if split.kind != "SPACE_TO_BATCH_ND":
            continue
        readers = _readers(graph, split.outputs[0])
        for view in [o for o in readers if o.kind in _VIEWS]:
            readers += _readers(graph, view.outputs[0])
        for window in [o for o in readers if o.kind in _WINDOWS]:
            graph = _dilated(graph, split, window) or graph
    return graph


def _readers(graph: Graph, number: int) -> list[Operator]:
    if number in graph.outputs:
        return []
    return [operator for operator in graph.operators if number in operator.inputs]


def _dilated(graph: Graph, split: Operator, window: Operator) -> Graph | None:
    """Return the graph with one convolution from the image to the outputs that are joined."""
    behind = _behind(graph, window)
    found = _blocks(graph, split, window, behind[-1]) if behind else None
    if found is None:
        return None
    padding: int | Pads = Pads(found.before, found.behind, tflite.Padding.VALID)
    if not any((*found.before, *found.behind)):
        padding = tflite.Padding.VALID
    attributes = replace(window.attributes, dilation=found.block, padding=padding)
    graph, image = _as_image(graph, split, found.image)
    inputs, outputs = (image, *window.inputs[1:]), behind[-1].outputs
    whole = replace(window, inputs=inputs, outputs=outputs, attributes=attributes)
    graph = _with_shape(graph, behind[-1], found.whole)
    left = tuple(o for o in graph.operators if o not in behind)
    graph = replace(graph, operators=tuple(whole if o == window else o for o in left))
    try:
        KINDS[whole.kind].check(graph, whole)
    except RefusedError:  # a size that the kernel's record has no room for
        return None
    return graph


def _behind(graph: Graph, window: Operator) -> list[Operator]:
    """Return the operators that only join a window's outputs, BATCH_TO_SPACE_ND the last."""
    found = [window]
    while found[-1].kind != "BATCH_TO_SPACE_ND":
        readers = _readers(graph, found[-1].outputs[0])
        if len(readers) != 1 or readers[0].kind not in (*_VIEWS, "BATCH_TO_SPACE_ND"):
            return []
        found += readers
    return found[1:]


def _blocks(graph: Graph, split: Operator, window: Operator, join: Operator) -> _Blocks | None:
    """Return the blocks that a window goes over, or None if it is not the same upon the image."""
    cut, joined = blocks.batches(graph, split), blocks.batches(graph, join)
    (above, below), (left, right) = (
        (pad[0] - crop[0], pad[1] - crop[1])
        for pad, crop in zip(cut.pads, joined.pads, strict=True)
    )
    shapes = (cut.source, cut.target, joined.source, joined.target)
    found = _Blocks(*shapes, cut.block, (above, left), (below, right))
    ends = [graph.tensor(o.inputs[0]) for o in (split, window)]
    ends += [graph.tensor(o.outputs[0]) for o in (window, join)]
    if len(ends[0].shape) == 3 and ends[1].shape[1] == 1:
        found = found.turned()
    kernel, attributes = graph.tensor(window.inputs[1]).shape[1:3], window.attributes
    plain = (tflite.Padding.VALID, (1, 1), (1, 1))
    if (attributes.padding, attributes.stride, attributes.dilation) != plain or kernel == (1, 1):
        return None
    same = all(a.quantization == b.quantization for a, b in (ends[:2], ends[2:]))
    seen = (ends[1].shape, ends[2].shape) == (found.parts, found.outputs)
    reaches = min(*found.before, *found.behind) >= 0 and cut.block == joined.block
    return found if same and seen and reaches else None


def _as_image(graph: Graph, split: Operator, shape: Shape) -> tuple[Graph, int]:
    """Return the number of what is split, seen with four axes."""
    number = split.inputs[0]
    assert number is not None
    if graph.tensors[number].shape == shape:
        return graph, number
    name = f"{split.name}, image of {shape}"
    for operator in graph.operators:
        if operator.name == name:
            return graph, operator.outputs[0]
    seen = len(graph.tensors)
    view = Operator(name, "RESHAPE", (number,), (seen,), None)
    tensors = (*graph.tensors, replace(graph.tensors[number], shape=shape))
    at = graph.operators.index(split)
    operators = (*graph.operators[:at], view, *graph.operators[at:])
    return replace(graph, tensors=tensors, operators=operators), seen


def _with_shape(graph: Graph, join: Operator, shape: Shape) -> Graph:
    """Return the graph with another shape of what is joined; its readers see the one before."""
    (number,) = join.outputs
    if graph.tensors[number].shape == shape:
        return graph
    seen, tensors = len(graph.tensors), list(graph.tensors)
    tensors.append(tensors[number])
    tensors[number] = replace(tensors[number], shape=shape)
    operators = []
    for operator in graph.operators:
        inputs = tuple(seen if n == number else n for n in operator.inputs)
        operators.append(replace(operator, inputs=inputs))
        if operator == join:
            name = f"{join.name}, seen as before"
            operators.append(Operator(name, "RESHAPE", (number,), (seen,), None))
    return replace(graph, tensors=tuple(tensors), operators=tuple(operators))
