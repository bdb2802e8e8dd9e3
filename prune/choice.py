"""Say what a recipe masks in a model: its variables, and how the masks follow from the weights."""

from collections.abc import Sequence
from fnmatch import fnmatchcase
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError
from tinykit.prune.channels import find_channels
from tinykit.prune.criterion import Scores
from tinykit.prune.erk import erk_shares
from tinykit.prune.kernels import Prunable, fits, refuse_strange_names
from tinykit.prune.masks import (
    Mask,
    Scope,
    Targets,
    as_they_are,
    choose_masks,
    importance,
    keep_some,
)
from tinykit.prune.pattern import Blocks, KeepSome, WholeChannels
from tinykit.prune.recipe import Recipe
from tinykit.prune.schedule import Growth

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
    """Choose weights, blocks of them, or N of M, in the kernels of a model.

    Args:
        prunable: the kernels.
        recipe: how.
        scores: how important each weight is, of the kernels' shapes; None for its magnitude.
    """

    def __init__(self, prunable: Prunable, recipe: Recipe, scores: Scores | None = None) -> None:
        names = [kernel.name for kernel in prunable.kernels]
        refuse_strange_names([pin.pattern for pin in recipe.pinned], names)
        self._kernels = prunable.kernels
        self._pattern = recipe.pattern
        self._revives = recipe.growth is Growth.CONSTANT
        self._scores = scores
        compared = importance if scores is None else as_they_are
        self._targets = Targets(recipe.scope, recipe.final, _pins(prunable, recipe), compared)

    @property
    def variables(self) -> tuple[Any, ...]:
        """Return the kernels."""
        return tuple(kernel.variable for kernel in self._kernels)

    def masks(self, values: Values, share: float, part: float) -> list[Mask]:
        """Choose what stays of the kernels; zeros come back with a constant schedule only."""
        measured = values if self._scores is None else self._scores
        pairs = list(zip(self._kernels, measured, strict=True))
        matrices = [kernel.matrix(value) for kernel, value in pairs]
        if isinstance(self._pattern, KeepSome):
            # a round of several takes its part of the way
            chosen = [keep_some(matrix, self._pattern, share * part) for matrix in matrices]
        else:
            assert isinstance(self._pattern, Blocks)
            chosen = choose_masks(matrices, self._targets.after(part), share, self._pattern)
        masks = [kernel.from_matrix(mask) for (kernel, _), mask in zip(pairs, chosen, strict=True)]
        if self._revives:
            return masks
        return [mask & (value != 0) for mask, value in zip(masks, values, strict=True)]


class ChannelChoice:
    """Choose whole channels: the weights that make them, and those that read them."""

    def __init__(self, model: Any, recipe: Recipe) -> None:
        def stay(layer: Any) -> str:
            pattern = next((p for p in recipe.exclude if fnmatchcase(layer.name, p)), None)
            return "" if pattern is None else f"excluded by '{pattern}'"

        self._channels = find_channels(model, stay)
        self._targets = Targets(recipe.scope, recipe.sparsity)
        self._slices = [each for each in self._channels.slices if each.role != "record"]
        self._groups = list(self._channels.free().values())
        found = {id(each.variable): each.variable for each in self._slices}
        self._places = {number: place for place, number in enumerate(found)}
        self._variables = tuple(found.values())
        if not self._groups:
            made = [number for each in self._channels.outputs.values() for number in each.tolist()]
            fixed = self._channels.fixed
            reasons = sorted({fixed[number] for number in made if number in fixed})
            raise TinykitError(
                f"the model has no channel that can go ({'; '.join(reasons[:4])})",
                "prune weights: --recipe gradual",
            )

    @property
    def variables(self) -> tuple[Any, ...]:
        """Return what makes, scales or reads a channel."""
        return self._variables

    def masks(self, values: Values, share: float, part: float) -> list[Mask]:
        """Choose which channels stay, and with them what stays of the variables."""
        energy = self._energy(values)
        rows = [
            np.sqrt([[energy[number]] for number in group]).astype(np.float32)
            for group in self._groups
        ]
        chosen = choose_masks(rows, self._targets.after(part), share)
        gone = [
            number
            for group, stays in zip(self._groups, chosen, strict=True)
            for number, stay in zip(group, stays[:, 0], strict=True)
            if not stay
        ]
        masks = [np.ones(value.shape, np.bool_) for value in values]
        for each in self._slices:
            stays = np.isin(self._channels.roots(each.numbers), gone, invert=True)
            mask = masks[self._places[id(each.variable)]]
            np.moveaxis(mask, each.axis, -1)[..., ~stays] = False
        return masks

    def _energy(self, values: Values) -> dict[int, float]:
        """Measure each channel by its share of the energy of the kernels that make it."""
        energy = dict.fromkeys((number for group in self._groups for number in group), 0.0)
        for each in (each for each in self._slices if each.role == "kernel"):
            squares = np.square(values[self._places[id(each.variable)]], dtype=np.float64)
            rows = np.moveaxis(squares, each.axis, 0).reshape(len(each.numbers), -1).sum(axis=1)
            shares = rows / max(float(rows.sum()), np.finfo(np.float64).tiny)
            roots = self._channels.roots(each.numbers).tolist()
            for number, share in zip(roots, shares.tolist(), strict=True):
                if number in energy:
                    energy[number] += share
        return energy


def choice_for(model: Any, prunable: Prunable, recipe: Recipe, scores: Scores | None) -> Choice:
    """Return what a recipe masks in a model; scores are those of `KernelChoice`."""
    if isinstance(recipe.pattern, WholeChannels):
        return ChannelChoice(model, recipe)
    return KernelChoice(prunable, recipe, scores)


def refuse_nothing_to_prune(prunable: Prunable) -> None:
    """Raise TinykitError if no kernel is left to prune."""
    if prunable.kernels:
        return
    left = "; ".join(f"{entry.name}: {entry.reason}" for entry in prunable.left_dense)
    raise TinykitError(
        f"the model has no kernel that can be pruned ({left or 'it has no kernels'})",
        "convolution, dense, attention and recurrent kernels can be",
    )


def _pins(prunable: Prunable, recipe: Recipe) -> tuple[float | None, ...]:
    """Return the share of zeros that each kernel has of its own; the last pin that fits counts."""
    pins: list[float | None] = [None] * len(prunable.kernels)
    if recipe.scope is Scope.ERK:
        shapes = [tuple(map(int, kernel.variable.shape)) for kernel in prunable.kernels]
        pins = list(erk_shares(shapes, recipe.final))
    for place, kernel in enumerate(prunable.kernels):
        for pin in recipe.pinned:
            pins[place] = pin.sparsity if fits(kernel.name, pin.pattern) else pins[place]
    return tuple(pins)
