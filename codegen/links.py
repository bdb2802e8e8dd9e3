"""Which channels of an operator's output are kept or removed together with which of its inputs'.

The channels of a tensor are the places on its last axis.
"""

from collections.abc import Callable
from dataclasses import dataclass
from math import lcm

import numpy as np
from numpy.typing import NDArray

from tinykit.core.graph import Graph, Operator, Tensor

Ints = NDArray[np.int64]
_MOST = 1 << 16  # channels that are looked at one by one: kernels have no room for more


@dataclass(frozen=True, slots=True, eq=False)
class Link:
    """Hold pairs of channels of which neither can go without the other.

    Attributes:
        position: of the input among the operator's inputs.
        source, target: channels of that input and of the output, (pairs,).
    """

    position: int
    source: Ints
    target: Ints


def links(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    """Return the links of an operator, or None where all channels must stay."""
    find = _LINKS.get(operator.kind)
    if find is None or len(operator.outputs) != 1 or not _is_int8(graph, operator.outputs[0]):
        return None
    touched = [*operator.outputs, *(number for number in operator.inputs if number is not None)]
    return None if has_too_many(*(graph.tensors[n] for n in touched)) else find(graph, operator)


def has_too_many(*tensors: Tensor) -> bool:
    """Tell whether a tensor has more channels than are worth to be looked at."""
    return any(channels(tensor) > _MOST for tensor in tensors)


def channels(tensor: Tensor) -> int:
    """Return the length of the last axis; a scalar has one channel."""
    return tensor.shape[-1] if tensor.shape else 1


def _is_int8(graph: Graph, number: int | None) -> bool:
    return number is not None and graph.tensors[number].dtype == "int8"


def _identity(position: int, count: int, start: int = 0) -> Link:
    return Link(position, np.arange(count), np.arange(start, start + count))


def _same(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    """Link an operator that leaves the last axis alone."""
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if not _is_int8(graph, operator.inputs[0]) or source.data is not None:
        return None
    if channels(source) != channels(target):
        return None
    return (_identity(0, channels(target)),)


def _same_shape(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    return _same(graph, operator) if source.shape == target.shape else None


def _padded(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    pads = graph.tensor(operator.inputs[1]).data
    if pads is None or pads.ravel()[-2:].any():
        return None
    return _same(graph, operator)


def _reduced(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    axes = graph.tensor(operator.inputs[1]).data
    rank = len(graph.tensor(operator.inputs[0]).shape)
    if axes is None or {-1, rank - 1} & {int(axis) for axis in axes.ravel()}:
        return None
    return _same(graph, operator)


def _depthwise(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    weights = graph.tensor(operator.inputs[1])
    if not _is_int8(graph, operator.inputs[0]) or weights.dtype != "int8":
        return None
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    places = np.arange(channels(target))
    return (Link(0, places // (channels(target) // channels(source)), places),)


def _pair(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    """Link both inputs, of which one may be a constant that is repeated over the channels."""
    count = channels(graph.tensor(operator.outputs[0]))
    found = []
    for position, number in enumerate(operator.inputs):
        tensor = graph.tensor(number)
        if not _is_int8(graph, number):
            return None
        if channels(tensor) == count:
            found.append(_identity(position, count))
        elif tensor.data is None:
            return None
    return tuple(found)


def _joined(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    """Link the inputs of a CONCATENATION: behind one another if it is on the last axis."""
    target, start, found = graph.tensor(operator.outputs[0]), 0, []
    last = operator.attributes.axis in (-1, len(target.shape) - 1)
    for position, number in enumerate(operator.inputs):
        tensor = graph.tensor(number)
        if not _is_int8(graph, number) or tensor.data is not None:
            return None
        found.append(_identity(position, channels(tensor), start))
        start += channels(tensor) if last else 0
    return tuple(found)


def _viewed(graph: Graph, operator: Operator) -> tuple[Link, ...] | None:
    """Link the channels that hold the same elements before and after."""
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if source.dtype != "int8" or source.data is not None:
        return None
    period = lcm(channels(source), channels(target))
    if period > _MOST:
        return None
    places = np.arange(period)
    return (Link(0, places % channels(source), places % channels(target)),)


_CURVES = (
    "ABS ELU HARD_SWISH LEAKY_RELU LOGISTIC QUANTIZE RELU RELU6 RSQRT TANH".split()
)  # one value for one value
_PAIRS = "ADD MAXIMUM MINIMUM MUL PRELU SQUARED_DIFFERENCE SUB".split()
_IMAGES = "AVERAGE_POOL_2D MAX_POOL_2D RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR".split()
_LINKS: dict[str, Callable[[Graph, Operator], tuple[Link, ...] | None]] = {
    **dict.fromkeys(_CURVES, _same_shape),
    **dict.fromkeys(_PAIRS, _pair),
    **dict.fromkeys(_IMAGES, _same),
    **dict.fromkeys(("PAD", "PADV2", "MIRROR_PAD"), _padded),
    **dict.fromkeys(("MEAN", "REDUCE_MAX", "REDUCE_MIN", "SUM"), _reduced),
    **dict.fromkeys(("EXPAND_DIMS", "RESHAPE", "SQUEEZE"), _viewed),
    "CONCATENATION": _joined,
    "DEPTHWISE_CONV_2D": _depthwise,
}
