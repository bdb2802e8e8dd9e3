"""Say what a recipe masks in a model: its variables, and how the masks follow from the weights."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError
from tinykit.prune.kernels import Prunable, fits, refuse_strange_names
from tinykit.prune.masks import Mask, Targets, choose_masks, keep_some
from tinykit.prune.pattern import Blocks, KeepSome
from tinykit.prune.recipe import Recipe

Values = Sequence[NDArray[np.float32]]


class Choice(Protocol):
    """Choose masks for some variables of a model."""

    @property
    def variables(self) -> tuple[Any, ...]:
        """Return the Keras variables that are masked."""

    def masks(self, values: Values, share: float, part: float) -> list[Mask]:
        """Choose what stays of the variables' values.

        Args:
            values: of each variable.
            share: how much of the way to this round's zeros is done (0 to 1).
            part: how many of the rounds are done at the end of this one, as a share.
        """


class KernelChoice:
    """Choose weights, blocks of them, or N of M, in the kernels of a model."""

    def __init__(self, prunable: Prunable, recipe: Recipe) -> None:
        names = [kernel.name for kernel in prunable.kernels]
        refuse_strange_names([pin.pattern for pin in recipe.pinned], names)
        self._kernels = prunable.kernels
        self._pattern = recipe.pattern
        pinned = tuple(_pin(name, recipe) for name in names) if recipe.pinned else ()
        self._targets = Targets(recipe.scope, recipe.final, pinned)

    @property
    def variables(self) -> tuple[Any, ...]:
        """Return the kernels."""
        return tuple(kernel.variable for kernel in self._kernels)

    def masks(self, values: Values, share: float, part: float) -> list[Mask]:
        """Choose what stays of the kernels."""
        pairs = list(zip(self._kernels, values, strict=True))
        matrices = [kernel.matrix(value) for kernel, value in pairs]
        if isinstance(self._pattern, KeepSome):
            # a round of several takes its part of the way
            chosen = [keep_some(matrix, self._pattern, share * part) for matrix in matrices]
        else:
            assert isinstance(self._pattern, Blocks)
            chosen = choose_masks(matrices, self._targets.after(part), share, self._pattern)
        return [kernel.from_matrix(mask) for (kernel, _), mask in zip(pairs, chosen, strict=True)]


def refuse_nothing_to_prune(prunable: Prunable) -> None:
    """Raise TinykitError if no kernel is left to prune."""
    if prunable.kernels:
        return
    left = "; ".join(f"{entry.name}: {entry.reason}" for entry in prunable.left_dense)
    raise TinykitError(
        f"the model has no kernel that can be pruned ({left or 'it has no kernels'})",
        "convolution, dense, attention and recurrent kernels can be",
    )


def _pin(name: str, recipe: Recipe) -> float | None:
    """Return the sparsity that a kernel is pinned to; the last pin that fits it counts."""
    found = [pin.sparsity for pin in recipe.pinned if fits(name, pin.pattern)]
    return found[-1] if found else None
