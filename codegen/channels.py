"""Find the channels that need not be computed.

A channel is constant if it has one value at all places, whatever the inputs. What reads it can
often do without: a sum of products takes its share into the bias, if the share is the same at all
places, that is, if no window leaves the image, or the constant is the zero point that taps outside
read. A channel goes if everything that reads it can do without it; then so does what only it needs.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.links import channels, has_too_many, links
from tinykit.codegen.mixing import Mixing, mixing
from tinykit.codegen.ops.table import KINDS
from tinykit.codegen.work import BLOCK
from tinykit.core.graph import Graph, Operator

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Mixings = list[tuple[Operator, Mixing | None]]
VARIES = 1 << 16  # no int8 value
_SPARSE = 0.65  # of zeros, from which on weights are stored sparse, and groups are of no use
_BLOCKS = 0.4  # of zeros, from which on weights may be stored in blocks
_BLOCK_WEIGHTS = 2.5  # of a block that is not zero, from which on one by one is larger
_COMPUTING = 16  # of a channel without weights takes as long as so many weights one by one
_COPYING = 4  # of an input takes as long as so many weights
_MOST_WORK = 1 << 23  # values that an operator is made of, more than any microcontroller computes


def constants(graph: Graph) -> dict[int, Ints]:
    """Return the value of each channel of a tensor, VARIES where there is not one."""
    found: dict[int, Ints] = {}
    for operator in graph.operators:
        maybe = _maybe_constant(graph, operator, found)
        if maybe is None or not maybe.any() or _work(graph, operator) > _MOST_WORK:
            continue
        read = tuple(_filled(graph, number, found) for number in operator.inputs)
        (values,) = KINDS[operator.kind].evaluate(graph, operator, read)
        rows = values.reshape(-1, len(maybe)).astype(np.int64)
        same = maybe & (rows == rows[0]).all(axis=0)
        if same.any():
            found[operator.outputs[0]] = np.where(same, rows[0], VARIES)
    return found


def needed(graph: Graph, found: dict[int, Ints], group: int = 1) -> dict[int, Bools]:
    """Tell which channels of each tensor must be computed; at least one of each.

    Args:
        graph: any.
        found: its constants.
        group: how many inputs dense kernels take at a time, and are slower for a part of.
    """
    classes = _Classes.of(graph)
    mixings = [(operator, mixing(graph, operator)) for operator in graph.operators]
    _mark_fixed(graph, classes, [operator for operator, mixed in mixings if mixed is None])
    _mark_all_read(classes, graph, mixings, found)
    while _fill_blocks(classes, mixings) or (group > 1 and _fill_groups(classes, mixings, group)):
        _mark_all_read(classes, graph, mixings, found)
    return {number: classes.kept(number) for number in classes.start}


def _mark_all_read(
    classes: "_Classes", graph: Graph, mixings: Mixings, found: dict[int, Ints]
) -> None:
    """Keep what anything kept cannot do without."""
    classes.changed = True
    while classes.changed:
        classes.changed = False
        for operator, mixed in reversed(mixings):
            if mixed is not None:
                _mark_read(graph, classes, operator, mixed, found)
            for number in operator.outputs:
                if not classes.kept(number).any():
                    classes.mark(number, np.arange(1))


def _fill_blocks(classes: "_Classes", mixings: Mixings) -> bool:
    """Keep a few more channels where weights come in blocks of them, which would be torn apart.

    Returns:
        Whether any are kept that were not.
    """
    classes.changed = False
    for operator, mixed in mixings:
        if mixed is None or operator.kind == "TRANSPOSE_CONV":
            continue
        number, rows = operator.inputs[mixed.source], classes.kept(operator.outputs[0])
        assert number is not None
        weights, kept = mixed.weights[rows], classes.kept(number)
        if not _in_blocks(weights, kept):
            continue
        more = np.repeat(kept.reshape(-1, BLOCK).any(axis=1), BLOCK) & ~kept
        if _COMPUTING * more.sum() <= np.count_nonzero(weights):
            classes.mark(number, np.flatnonzero(more))
    return classes.changed


def _in_blocks(weights: Ints, kept: Bools) -> bool:
    """Tell whether the weights (.., channels) that are not zero lie in few blocks of channels."""
    if weights.shape[-1] % BLOCK or np.mean(weights[..., kept] == 0) < _BLOCKS:
        return False
    blocks = weights.reshape(-1, BLOCK).any(axis=1)
    return bool(np.count_nonzero(weights) >= _BLOCK_WEIGHTS * blocks.sum())


def _fill_groups(classes: "_Classes", mixings: Mixings, group: int) -> bool:
    """Keep a few more channels between dense layers where these make whole groups of inputs.

    Inputs that make no whole groups are copied there, which takes longer than a few more of them.

    Returns:
        Whether any are kept that were not.
    """
    classes.changed = False
    dense = [(op, mixed) for op, mixed in mixings if op.kind == "FULLY_CONNECTED"]
    written = {operator.outputs[0] for operator, _ in dense}
    for operator, mixed in dense:
        if mixed is None or operator.inputs[mixed.source] not in written:
            continue
        number = operator.inputs[mixed.source]
        assert number is not None
        rows, columns = classes.kept(operator.outputs[0]), classes.kept(number)
        spare, missing = np.flatnonzero(~columns), -int(columns.sum()) % group
        if len(spare) < missing or missing * rows.sum() > _COPYING * columns.sum():
            continue
        if np.mean(mixed.weights[rows][..., columns] == 0) < _SPARSE:
            classes.mark(number, spare[:missing])
    return classes.changed


def _work(graph: Graph, operator: Operator) -> int:
    """Return how many values are read to compute an operator."""
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if operator.kind == "TRANSPOSE_CONV":
        return graph.tensor(operator.inputs[2]).elements * graph.tensor(operator.inputs[1]).elements
    if operator.kind in ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED"):
        taps = graph.tensor(operator.inputs[1]).elements // channels(target)
        return target.elements * (taps if operator.kind == "DEPTHWISE_CONV_2D" else 1) + (
            target.elements // channels(target) * taps
        )
    if operator.kind.endswith("POOL_2D"):
        taps = int(np.prod(operator.attributes.kernel))
        return target.elements * taps
    return source.elements + target.elements


def _maybe_constant(graph: Graph, operator: Operator, found: dict[int, Ints]) -> Bools | None:
    """Tell which output channels depend on constant channels only; None if nothing is known."""
    mixed, linked = mixing(graph, operator), links(graph, operator)
    if mixed is not None:
        varies = _varies(graph, operator.inputs[mixed.source], found)
        return np.asarray(~(mixed.reads() & varies).any(axis=1))
    if linked is None:
        return None
    maybe = np.ones(channels(graph.tensor(operator.outputs[0])), np.bool_)
    for link in linked:
        varies = _varies(graph, operator.inputs[link.position], found)[link.source]
        if operator.kind == "DEPTHWISE_CONV_2D":
            weights = graph.tensor(operator.inputs[1]).data
            assert weights is not None
            varies = varies & weights.reshape(-1, len(maybe)).any(axis=0)
        maybe[link.target[varies]] = False
    return maybe


def _varies(graph: Graph, number: int | None, found: dict[int, Ints]) -> Bools:
    tensor = graph.tensor(number)
    if tensor.data is not None:
        return np.zeros(channels(tensor), np.bool_)
    if number not in found:
        return np.ones(channels(tensor), np.bool_)
    return np.asarray(found[number] == VARIES)


def _filled(graph: Graph, number: int | None, found: dict[int, Ints]) -> NDArray[np.generic]:
    """Return a tensor with its constant channels, and the zero point everywhere else."""
    if number is None:
        return np.zeros(0)
    tensor = graph.tensors[number]
    if tensor.data is not None:
        return tensor.data
    values = found.get(number, np.full(channels(tensor), VARIES))
    values = np.where(values == VARIES, tensor.zero_point, values)
    return np.broadcast_to(values, tensor.shape).astype(tensor.dtype)


@dataclass(slots=True)
class _Classes:
    """Hold which channels are kept together, and which are kept.

    Attributes:
        start: where the channels of each tensor that is not constant begin among all channels.
        count: the channels of each tensor; 1 that stands for all where there are too many.
        root: a channel that stands for those that are kept together, (all,).
        live: whether those that it stands for are kept, (all,).
        changed: whether any was marked that was not before.
    """

    start: dict[int, int]
    count: dict[int, int]
    root: Ints
    live: Bools
    changed: bool = True

    @staticmethod
    def of(graph: Graph) -> "_Classes":
        written = [number for operator in graph.operators for number in operator.outputs]
        start, count, total = {}, {}, 0
        for number in dict.fromkeys([*graph.inputs, *written]):
            tensor = graph.tensors[number]
            start[number] = total
            count[number] = 1 if has_too_many(tensor) else channels(tensor)
            total += count[number]
        pairs = [
            (start[read] + link.source, start[operator.outputs[0]] + link.target)
            for operator in graph.operators
            for link in links(graph, operator) or ()
            if (read := operator.inputs[link.position]) in start and read is not None
        ]
        return _Classes(start, count, _joined(pairs, total), np.zeros(total, np.bool_))

    def mark(self, number: int, kept: Ints) -> None:
        """Keep channels of a tensor, and what is kept together with them."""
        roots = self.root[self.start[number] + kept]
        if not self.live[roots].all():
            self.live[roots] = True
            self.changed = True

    def kept(self, number: int) -> Bools:
        """Tell which channels of a tensor are kept."""
        begin = self.start[number]
        return np.asarray(self.live[self.root[begin : begin + self.count[number]]])


def _joined(pairs: list[tuple[Ints, Ints]], total: int) -> Ints:
    """Return for each channel the least of those that pairs lead to, directly or not."""
    root, before = np.arange(total), np.full(total, -1)
    while (root != before).any():
        before = root.copy()
        for left, right in [*pairs, *reversed(pairs)]:
            least = np.minimum(root[left], root[right])
            np.minimum.at(root, left, least)
            np.minimum.at(root, right, least)
    return root


def _mark_fixed(graph: Graph, classes: _Classes, operators: list[Operator]) -> None:
    """Keep what the outside sees, and what operators touch that need all of it."""
    fixed = [*graph.inputs, *graph.outputs]
    for operator in operators:
        if links(graph, operator) is None:
            fixed += [n for n in (*operator.inputs, *operator.outputs) if n is not None]
    for number in classes.start.keys() & set(fixed):
        classes.mark(number, np.arange(classes.count[number]))


def _mark_read(
    graph: Graph, classes: _Classes, operator: Operator, mixed: Mixing, found: dict[int, Ints]
) -> None:
    """Keep the input channels that the kept output channels cannot do without."""
    number, target = operator.inputs[mixed.source], operator.outputs[0]
    assert number is not None
    if operator.kind == "FULLY_CONNECTED" and classes.count[target] > 1:
        # TFLM computes a single scale in another precision than several
        scales = graph.tensor(operator.inputs[1]).quantization
        if scales is not None and len(scales.scales) > 1 and classes.kept(target).sum() == 1:
            classes.mark(target, np.arange(2))
    rows = classes.kept(target)
    reads = mixed.reads()[rows]
    values = found.get(number)
    if values is not None:
        shares = mixed.shares(np.where(values == VARIES, 0, values))[:, rows]
        uneven = (shares != shares[:1]).any(axis=0)
        reads = reads & (uneven | (values == VARIES))
    classes.mark(number, np.flatnonzero(reads.any(axis=0)))
