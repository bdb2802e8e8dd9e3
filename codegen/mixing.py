"""Operators whose every output channel is a weighted sum of all input channels."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.links import channels, has_too_many
from tinykit.codegen.ops import shared
from tinykit.core.graph import Graph, Operator, Tensor

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Mixing:
    """Hold the weights of such an operator by channel; they are its input 1.

    Attributes:
        source, bias: the positions of the tensor and of the bias among the operator's inputs.
        weights: (outputs, rows, columns, channels).
        inside: which rows of the window lie inside of the image, for each kind of output position
            that there is, at a border or not: (kinds, rows); and the same of columns.
        zero_point: of the input, which taps outside read.
    """

    source: int
    bias: int
    weights: Ints
    inside: tuple[Bools, Bools]
    zero_point: int

    def reads(self) -> Bools:
        """Tell which output reads which channel: (outputs, channels)."""
        return np.asarray((self.weights != 0).any(axis=(1, 2)))

    def shares(self, values: Ints) -> Ints:
        """Return what each channel adds to the sums if it has one value everywhere.

        Args:
            values: (channels,).

        Returns:
            (kinds of positions, outputs, channels).
        """
        rows, columns = (kinds.astype(np.int64) for kinds in self.inside)
        sums = np.einsum("bx,oyxc->oybc", columns, self.weights)
        sums = np.einsum("ay,oybc->aboc", rows, sums)
        outputs, *_, channels = self.weights.shape
        return np.asarray(sums.reshape(-1, outputs, channels) * (values - self.zero_point))


def mixing(graph: Graph, operator: Operator) -> Mixing | None:
    """Return how an operator mixes channels, or None for one that does not, or in another way."""
    if operator.kind not in _PLACES:
        return None
    at, bias = _PLACES[operator.kind]
    source, weights = graph.tensor(operator.inputs[at]), graph.tensor(operator.inputs[1])
    target = graph.tensor(operator.outputs[0])
    if any(tensor.dtype != "int8" for tensor in (source, weights, target)):
        return None
    if weights.data is None or source.data is not None or has_too_many(source, target):
        return None
    found = _ARRANGED[operator.kind](graph, operator, weights.data.astype(np.int64), source)
    if found is None or channels(target) != len(found[0]):
        return None
    return Mixing(at, bias, *found, source.zero_point)


def _convolution(
    graph: Graph, operator: Operator, weights: Ints, source: Tensor
) -> tuple[Ints, tuple[Bools, Bools]] | None:
    in_groups = weights.shape[3] != source.shape[3]
    return None if in_groups else (weights, _inside(graph, operator))


def _dense(
    _graph: Graph, _operator: Operator, weights: Ints, source: Tensor
) -> tuple[Ints, tuple[Bools, Bools]] | None:
    places, rest = divmod(weights.shape[1], channels(source))
    if rest:
        return None
    always = np.ones((1, 1), np.bool_), np.ones((1, places), np.bool_)
    return weights.reshape(len(weights), 1, places, channels(source)), always


def _transposed(
    _graph: Graph, _operator: Operator, weights: Ints, _source: Tensor
) -> tuple[Ints, tuple[Bools, Bools]]:
    """Take it that any single tap, or none, may reach an output: shares are even if nothing."""
    rows, columns = (np.eye(count + 1, count, -1, np.bool_) for count in weights.shape[1:3])
    return weights, (rows, columns)


def _inside(graph: Graph, operator: Operator) -> tuple[Bools, Bools]:
    height, width = graph.tensor(operator.inputs[1]).shape[1:3]
    attributes = operator.attributes
    view = shared.window(
        graph.tensor(operator.inputs[0]),
        graph.tensor(operator.outputs[0]),
        (height, width),
        attributes.stride,
        attributes.dilation,
        attributes.padding,
    )
    taps = [shared.positions(view, axis) for axis in range(2)]
    rows, columns = (
        np.unique((taps[i] >= 0) & (taps[i] < view.image[i]), axis=0) for i in range(2)
    )
    return rows, columns


_PLACES = {"CONV_2D": (0, 2), "FULLY_CONNECTED": (0, 2), "TRANSPOSE_CONV": (2, 3)}
_ARRANGED = {
    "CONV_2D": _convolution,
    "FULLY_CONNECTED": _dense,
    "TRANSPOSE_CONV": _transposed,
}
