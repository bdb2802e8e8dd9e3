"""Pruning is tried again with other seeds, and the best by samples held out is kept."""

from dataclasses import replace

import nets
import numpy as np
import pytest

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.core.score import Metric, Score
from tinykit.prune.keras3 import LayerZeros, PruneReport, prune_model
from tinykit.prune.recipe import RECIPES, Recipe, refuse_bad_recipe
from tinykit.prune.tries import best_of_tries
from tinykit.train.meter import TrainingCost
from tinykit.train.progress import Progress, no_progress

keras = nets.keras


@pytest.mark.parametrize(
    ("values", "tries", "taken"),
    [([0.5, 0.8, 0.7], 3, 1), ([0.5, 0.9, 0.7], 2, 1), ([0.95], 1, 0)],
)
def test_tries_end_with_the_first_that_loses_nothing(
    values: list[float], tries: int, taken: int
) -> None:
    seeds: list[int] = []

    def prune(
        model: object, train: DataSet, test: DataSet, recipe: Recipe, seed: int, progress: Progress
    ) -> PruneReport:
        assert (len(train), len(test), recipe.tries) == (136, 24, 1)
        model.weights[1].assign(np.full(8, len(seeds)))  # type: ignore[attr-defined]
        seeds.append(seed)
        scores = [Score(Metric.ACCURACY, value, 24) for value in (0.9, values[len(seeds) - 1])]
        zeros = (LayerZeros("dense", 1, len(seeds)),)
        return PruneReport(*scores, zeros, (), TrainingCost(1, 2, 3, 4))

    model = nets.sequential()
    data, recipe = nets.classes(), Recipe(tries=3)
    report = best_of_tries(prune, model, data, nets.classes(40), recipe, 7, no_progress)
    assert seeds == [7, 1007, 2007][:tries]
    assert (report.tries, report.zeros, report.cost.macs) == (tries, taken + 1, 3 * tries)
    assert model.weights[1].numpy()[0] == taken
    assert report.after.samples == report.before.samples == 40


def test_a_recipe_with_tries_prunes() -> None:
    keras.utils.set_random_seed(0)
    recipe = Recipe(epochs=16, sparsity=0.5, tries=2, learning_rate=1e-2)
    report = prune_model(nets.sequential(), nets.classes(), nets.classes(40), recipe)
    assert report.zeros == 24 and report.tries in (1, 2)
    for wrong in (replace(RECIPES["lottery"], tries=2), replace(RECIPES["erk"], tries=2)):
        with pytest.raises(TinykitError) as caught:
            refuse_bad_recipe(wrong)
        assert caught.value.message == "2 tries of pruning"
