"""Choose which weights become zero: the smallest, measured in a layer or over the network."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from tinykit.prune.pattern import WEIGHTS, Blocks, KeepSome

Kernel = NDArray[np.float32]
Mask = NDArray[np.bool_]
Floats = NDArray[np.float64]
_N = TypeVar("_N", np.float64, np.int64)


class Scope(Enum):
    """Name where the threshold applies."""

    GLOBAL = "global"  # one for the network, each weight measured against the rest of its kernel
    LAYER = "layer"  # one a kernel, so that each gets the same share of zeros
    ERK = "erk"  # one a kernel, which gets a share of zeros by its shape


def importance(squares: Floats) -> Floats:
    """Measure each square by the sum of the squares at least as large beside it.

    So the largest weight of a kernel outlasts all others: a kernel that loses its last weight cuts
    the network in two (Lee et al., "Layer-adaptive sparsity for the magnitude-based pruning",
    2021). Measured by the kernel's root mean square instead, 4 of 6 nets of Life lost their last
    layer.
    """
    order = np.argsort(-squares, kind="stable")
    at_least_as_large = np.cumsum(squares[order])
    measured = np.zeros_like(squares)
    present = squares[order] > 0
    measured[order[present]] = squares[order[present]] / at_least_as_large[present]
    return measured


def as_they_are(squares: Floats) -> Floats:
    """Compare squares themselves, for scores that mean the same in every kernel."""
    return squares


@dataclass(frozen=True, slots=True)
class Targets:
    """Hold which zeros are wanted at the end.

    Attributes:
        scope: where the threshold applies.
        final: the share of zeros.
        pinned: a share of its own for each kernel, or None; empty if no kernel has one.
        compared: how squares of one kernel are measured against those of others.
    """

    scope: Scope
    final: float
    pinned: tuple[float | None, ...] = ()
    compared: Callable[[Floats], Floats] = importance

    def after(self, part: float) -> "Targets":
        """Return those of an earlier round, when this part of all halvings is done (0 to 1)."""
        pinned = tuple(None if pin is None else _after(pin, part) for pin in self.pinned)
        return replace(self, final=_after(self.final, part), pinned=pinned)


def _after(final: float, part: float) -> float:
    return 1 - float((1 - final) ** part)


def zeros_wanted(weights: int, sparsity: float) -> int:
    """Return how many of so many weights are at least that share."""
    return math.ceil(sparsity * weights - 1e-9)  # 0.1 * 30 is 3, not a little more


def choose_masks(
    kernels: Sequence[Kernel], targets: Targets, share: float, blocks: Blocks = WEIGHTS
) -> list[Mask]:
    """Choose the weights that stay (True), so that a share of the way to the zeros is done.

    Zeros that are there count. Ties go to the weight that comes first. Whole blocks go, until there
    are at least as many zeros as wanted.

    Args:
        kernels: the weights as they are, float32 (outputs, inputs); of any shape without blocks.
        targets: the zeros at the end.
        share: how much of the way from the present zeros to the final ones is done (0 to 1).
        blocks: which weights go together.
    """
    pinned = targets.pinned or (None,) * len(kernels)
    chosen: list[Mask | None] = [None] * len(kernels)
    together = [place for place, pin in enumerate(pinned) if pin is None]
    for place, pin in enumerate(pinned):
        if pin is not None or targets.scope is not Scope.GLOBAL:
            final = targets.final if pin is None else pin
            own = replace(targets, final=final)
            (chosen[place],) = _smallest_masked([kernels[place]], share, own, blocks)
    if targets.scope is Scope.GLOBAL and together:
        masks = _smallest_masked([kernels[i] for i in together], share, targets, blocks)
        for place, mask in zip(together, masks, strict=True):
            chosen[place] = mask
    return [mask for mask in chosen if mask is not None]


def keep_some(kernel: Kernel, pattern: KeepSome, share: float) -> Mask:
    """Choose the weights of a matrix (outputs, inputs) that stay, the largest of each group.

    Args:
        kernel: the weights as they are.
        pattern: how many stay at the end; a last group that is short keeps its share, rounded up.
        share: how much of the way there is done (0 to 1).
    """
    stays = np.ones(kernel.shape, np.bool_)
    for start in range(0, kernel.shape[1], pattern.group):
        part = np.abs(kernel[:, start : start + pattern.group])
        size = part.shape[1]
        most = size - math.ceil(pattern.kept * size / pattern.group)
        zeros = int(np.floor(share * most + 0.5))
        smallest = np.argsort(part, axis=1, kind="stable")[:, :zeros]
        np.put_along_axis(stays[:, start : start + pattern.group], smallest, False, axis=1)
    return stays


def smallest(measured: Floats, sizes: NDArray[np.int64], share: float, final: float) -> Mask:
    """Return which of several things go (False), the least important first, until enough is zero.

    Args:
        measured: how important each is; 0 if it is zero already.
        sizes: how many weights each has.
        share: how much of the way from the present zeros to the final ones is done (0 to 1).
        final: the share of zeros at the end.
    """
    present = int(sizes[measured == 0].sum())
    wanted = max(present, zeros_wanted(int(sizes.sum()), final))
    zeros = present + int(np.floor(share * (wanted - present) + 0.5))
    order = np.argsort(measured, kind="stable")
    before = np.cumsum(sizes[order]) - sizes[order]  # zeros before each of them goes
    stays = np.ones(len(measured), np.bool_)
    stays[order[before < zeros]] = False
    return stays


def _smallest_masked(
    kernels: Sequence[Kernel], share: float, targets: Targets, blocks: Blocks
) -> list[Mask]:
    squares = [_mean_squares(kernel, blocks) for kernel in kernels]
    measured = np.concatenate([targets.compared(each.ravel()) for each in squares])
    sizes = np.concatenate([_block_sizes(kernel, blocks).ravel() for kernel in kernels])
    stays = smallest(measured, sizes, share, targets.final)
    parts = np.split(stays, np.cumsum([each.size for each in squares])[:-1])
    return [
        _spread(part.reshape(each.shape), kernel, blocks)
        for part, each, kernel in zip(parts, squares, kernels, strict=True)
    ]


def _mean_squares(kernel: Kernel, blocks: Blocks) -> Floats:
    squares = kernel.astype(np.float64) ** 2
    if blocks == WEIGHTS:
        return squares
    means: Floats = _block_sums(squares, blocks) / _block_sizes(kernel, blocks)
    return means


def _block_sizes(kernel: Kernel, blocks: Blocks) -> NDArray[np.int64]:
    ones = np.ones(kernel.shape, np.int64)
    return ones if blocks == WEIGHTS else _block_sums(ones, blocks)


def _block_sums(matrix: NDArray[_N], blocks: Blocks) -> NDArray[_N]:
    """Add up each block; those at the far edges may be smaller."""
    outputs, inputs = matrix.shape
    rows = np.add.reduceat(matrix, np.arange(0, outputs, blocks.outputs), axis=0)
    return np.asarray(np.add.reduceat(rows, np.arange(0, inputs, blocks.inputs), axis=1))


def _spread(stays: Mask, kernel: Kernel, blocks: Blocks) -> Mask:
    if blocks == WEIGHTS:
        return stays
    outputs, inputs = kernel.shape
    tall = np.repeat(stays, blocks.outputs, axis=0)[:outputs]
    return np.asarray(np.repeat(tall, blocks.inputs, axis=1)[:, :inputs])
