"""Prune again with other seeds until nothing is lost, and keep the best, by samples held out."""

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
) -> "PruneReport":
    """Prune a model in place, as often as the recipe says at most.

    It ends with the first try that is as good on the samples held out as the network was before.
    The test data is read once, when the choice is made.
    """
    start, before = model.get_weights(), evaluate(model, test)
    rest, validation = hold_out(train, np.random.default_rng(seed))
    once = replace(recipe, tries=1)
    best, weights, cost = None, start, TrainingCost()
    for number in range(recipe.tries):

        def note(stage: str, done: float, text: str, number: int = number) -> None:
            progress(f"try {number + 1}, {stage}", done, text)

        model.set_weights(start)
        report = prune(model, rest, validation, once, seed + APART * number, note)
        cost += report.cost
        if best is None or report.after.better_than(best.after):
            best, weights = report, model.get_weights()
        if not report.before.better_than(report.after):
            break
    assert best is not None
    model.set_weights(weights)
    return replace(best, before=before, after=evaluate(model, test), cost=cost, tries=number + 1)
