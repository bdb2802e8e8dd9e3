"""Choose which weights become zero: the smallest, measured in a layer or over the network."""

import math
from collections.abc import Sequence
from enum import Enum

import numpy as np
from numpy.typing import NDArray

Kernel = NDArray[np.float32]
Mask = NDArray[np.bool_]


class Scope(Enum):
    """Name where the threshold applies."""

    GLOBAL = "global"  # one for the network, each weight measured against the rest of its kernel
    LAYER = "layer"  # one a kernel, so that each gets the same share of zeros


def zeros_wanted(weights: int, sparsity: float) -> int:
    """Return how many of so many weights are at least that share."""
    return math.ceil(sparsity * weights - 1e-9)  # 0.1 * 30 is 3, not a little more


def choose_masks(kernels: Sequence[Kernel], scope: Scope, share: float, final: float) -> list[Mask]:
    """Choose the weights that stay (True), so that a share of the way to `final` zeros is done.

    Zeros that are there stay zeros and count. Ties go to the weight that comes first.

    Args:
        kernels: the weights as they are, float32 of any shape.
        scope: where the threshold applies.
        share: how much of the way from the present zeros to the final ones is done (0 to 1).
        final: the share of zeros at the end.
    """
    if scope is Scope.LAYER:
        return [_smallest_masked([kernel], share, final)[0] for kernel in kernels]
    return _smallest_masked(kernels, share, final)


def _smallest_masked(kernels: Sequence[Kernel], share: float, final: float) -> list[Mask]:
    sizes = [kernel.size for kernel in kernels]
    flat = np.concatenate([_importance(kernel).ravel() for kernel in kernels])
    present = int((flat == 0).sum())
    wanted = max(present, zeros_wanted(sum(sizes), final))
    zeros = present + int(np.floor(share * (wanted - present) + 0.5))
    stays = np.ones(flat.size, np.bool_)
    stays[np.argsort(flat, kind="stable")[:zeros]] = False
    parts = np.split(stays, np.cumsum(sizes)[:-1])
    return [part.reshape(kernel.shape) for part, kernel in zip(parts, kernels, strict=True)]


def _importance(kernel: Kernel) -> NDArray[np.float64]:
    """Measure each weight's square by the sum of the squares at least as large in its kernel.

    So the largest weight of a kernel outlasts all others: a kernel that loses its last weight cuts
    the network in two (Lee et al., "Layer-adaptive sparsity for the magnitude-based pruning",
    2021). Measured by the kernel's root mean square instead, 4 of 6 nets of Life lost their last
    layer.
    """
    squares = kernel.astype(np.float64).ravel() ** 2
    order = np.argsort(-squares, kind="stable")
    at_least_as_large = np.cumsum(squares[order])
    importance = np.zeros_like(squares)
    present = squares[order] > 0
    importance[order[present]] = squares[order[present]] / at_least_as_large[present]
    return importance
