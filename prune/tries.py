"""Prune again with other seeds until nothing is lost, and keep the best, by samples held out."""

from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from tinykit.core.data import DataSet
from tinykit.prune.recipe import Recipe
from tinykit.train.meter import TrainingCost
from tinykit.train.predict import evaluate
from tinykit.train.progress import Progress
from tinykit.train.splits import hold_out

if TYPE_CHECKING:  # it imports this file
    from tinykit.prune.keras3 import PruneReport

APART = 1000  # between the seeds of two tries

Renew = Callable[[DataSet, int, Progress], TrainingCost]


class Prune(Protocol):
    """Prune a model in place."""

    def __call__(
        self,
        model: Any,
        train: DataSet,
        test: DataSet,
        recipe: Recipe,
        seed: int,
        progress: Progress,
    ) -> "PruneReport":
        """Prune, and report."""


def best_of_tries(
    prune: Prune,
    model: Any,
    train: DataSet,
    test: DataSet,
    recipe: Recipe,
    seed: int,
    progress: Progress,
    renew: Renew | None = None,
) -> "PruneReport":
    """Prune a model in place, as often as the recipe says at most.

    It ends with the first try that is as good on the samples held out as the network was before.
    The test data is read once, when the choice is made.

    Args:
        prune: prunes once.
        model: what is pruned, as the first try takes it.
        train: the samples to train on, and to hold some of out.
        test: the samples to score on.
        recipe: how.
        seed: of the first try.
        progress: is told how far it is.
        renew: trains the model anew in place before every try but the first, with the samples that
            are not held out and a seed; None if every try takes the same network.
    """
    start, before = model.get_weights(), evaluate(model, test)
    rest, validation = hold_out(train, np.random.default_rng(seed))
    once = replace(recipe, tries=1, fresh_epochs=0)
    best, wanted, weights, cost = None, None, start, TrainingCost()
    for number in range(recipe.tries):

        def note(stage: str, done: float, text: str, number: int = number) -> None:
            progress(f"try {number + 1}, {stage}", done, text)

        model.set_weights(start)
        if renew is not None and number > 0:
            cost += renew(rest, seed + APART * number, note)
        report = prune(model, rest, validation, once, seed + APART * number, note)
        cost += report.cost
        wanted = wanted or report.before
        if best is None or report.after.better_than(best.after):
            best, weights = report, model.get_weights()
        if not wanted.better_than(report.after):
            break
    assert best is not None
    model.set_weights(weights)
    return replace(best, before=before, after=evaluate(model, test), cost=cost, tries=number + 1)
