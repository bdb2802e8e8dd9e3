"""Prune round after round; what each leaves can be kept, so that an interrupted run goes on."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tinykit.prune.masking import Masker
from tinykit.prune.recipe import Recipe
from tinykit.prune.schedule import AT_ONCE
from tinykit.train.backend import import_keras
from tinykit.train.meter import TrainingCost

Weights = Sequence[NDArray[np.float32]]
FitRound = Callable[[str], TrainingCost]


@dataclass(frozen=True, slots=True, eq=False)
class Left:
    """Hold what some rounds left.

    Attributes:
        rounds: how many are done.
        weights: of the model, as get_weights() returns them; zeros say what was pruned.
        cost: what they took.
    """

    rounds: int
    weights: Weights
    cost: TrainingCost


class Keep(Protocol):
    """Keep what rounds leave."""

    def load(self) -> Left | None:
        """Return what an interrupted run left, if it left anything."""

    def save(self, model: Any, left: Left) -> None:
        """Keep the model as the rounds so far left it, instead of what is kept."""


def run_rounds(
    model: Any,
    masker: Masker,
    recipe: Recipe,
    fit_round: FitRound,
    seed: int,
    early: Weights | None,
    keep: Keep | None,
) -> TrainingCost:
    """Prune and train in place, round by round.

    Args:
        model: what is pruned.
        masker: of its kernels.
        recipe: how.
        fit_round: trains for a round, whose name it is given.
        seed: each round has one of its own, so that a run that goes on ends as one in a piece.
        early: the weights that each round starts from, or None for those that the last one left.
        keep: where each round but the last leaves the model, or None.
    """
    left = None if keep is None else keep.load()
    done, cost = 0, TrainingCost()
    if left is not None:
        model.set_weights(left.weights)
        done, cost = left.rounds, left.cost
    for number in range(done + 1, recipe.rounds + 1):
        import_keras().utils.set_random_seed(seed + number - 1)
        masker.part = number / recipe.rounds
        if recipe.growth in AT_ONCE:
            masker.choose(1.0)
            masker.hold()
        if early is not None:
            model.set_weights(early)
            masker.apply()
        cost += fit_round(f"round {number} of {recipe.rounds}" if recipe.rounds > 1 else "prune")
        if keep is not None and number < recipe.rounds:
            masker.apply()
            keep.save(model, Left(number, model.get_weights(), cost))
    return cost
