"""Pruning is tried again with other seeds, and the best by samples held out is kept."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import nets
import numpy as np
import pytest

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.core.score import Metric, Score
from tinykit.prune.keras3 import LayerZeros, PruneReport, prune_model
from tinykit.prune.recipe import RECIPES, Recipe, refuse_bad_recipe
from tinykit.prune.renew import train_anew
from tinykit.prune.tries import best_of_tries
from tinykit.train.fit import Fitting, fit
from tinykit.train.loss import choose_loss
from tinykit.train.meter import TrainingCost
from tinykit.train.predict import evaluate
from tinykit.train.progress import Progress, no_progress

keras = nets.keras


@pytest.mark.parametrize("fresh", [False, True])
@pytest.mark.parametrize(
    ("values", "tries", "taken"),
    [([0.5, 0.8, 0.7], 3, 1), ([0.5, 0.9, 0.7], 2, 1), ([0.95], 1, 0)],
)
def test_tries_end_with_the_first_that_loses_nothing(
    values: list[float], tries: int, taken: int, fresh: bool
) -> None:
    seeds: list[int] = []
    renewed: list[int] = []

    def prune(
        model: object, train: DataSet, test: DataSet, recipe: Recipe, seed: int, progress: Progress
    ) -> PruneReport:
        assert (len(train), len(test), recipe.tries) == (136, 24, 1)
        model.weights[1].assign(np.full(8, len(seeds)))  # type: ignore[attr-defined]
        seeds.append(seed)
        before = 0.9 if len(seeds) == 1 else 0.7  # what counts is the network that was given
        scores = [Score(Metric.ACCURACY, value, 24) for value in (before, values[len(seeds) - 1])]
        zeros = (LayerZeros("dense", 1, len(seeds)),)
        return PruneReport(*scores, zeros, (), TrainingCost(1, 2, 3, 4))

    def renew(train: DataSet, seed: int, progress: Progress) -> TrainingCost:
        assert len(train) == 136
        renewed.append(seed)
        return TrainingCost(0, 0, 0, 0)

    model = nets.sequential()
    data, recipe = nets.classes(), Recipe(tries=3, fresh_epochs=5 if fresh else 0)
    given = (data, nets.classes(40), recipe, 7, no_progress, renew if fresh else None)
    report = best_of_tries(prune, model, *given)
    assert renewed == (seeds[1:] if fresh else [])
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


@pytest.mark.parametrize("make", [nets.sequential, nets.subclassed])
def test_a_network_is_trained_anew_from_other_weights(make: Callable[[], Any]) -> None:
    model, data = make(), nets.classes()
    fitting = Fitting("train anew", 30, 32, 1e-2, choose_loss(model, data))
    weights = []
    for seed in (3, 4, 3):
        train_anew(model, data, fitting, seed, no_progress)
        weights.append(model.get_weights())
    assert evaluate(model, data).value > 0.9
    assert np.array_equal(weights[0][0], weights[2][0])
    assert not np.allclose(weights[0][0], weights[1][0], atol=0.1)


def test_fresh_epochs_that_cannot_be_are_refused() -> None:
    for wrong in (Recipe(fresh_epochs=5), Recipe(tries=2, fresh_epochs=-1)):
        with pytest.raises(TinykitError) as caught:
            refuse_bad_recipe(wrong)
        assert caught.value.message.endswith("fresh epochs before every try but the first")


def test_a_model_that_cannot_be_copied_is_refused_before_anything_is_trained() -> None:
    class Secretive(nets.Subclassed):  # type: ignore[misc]
        def get_config(self) -> dict[str, object]:
            raise NotImplementedError("its config is its own")

    data, recipe = nets.classes(), Recipe(tries=2, fresh_epochs=5)
    model = Secretive()
    model(data.x[:1])
    with pytest.raises(TinykitError) as caught:
        prune_model(model, data, nets.classes(40), recipe)
    assert caught.value.message.startswith("the model cannot be trained anew")
    assert caught.value.hint == "leave --fresh-epochs out"


def test_a_try_that_lost_something_is_followed_by_another_network() -> None:
    keras.utils.set_random_seed(0)
    told: list[str] = []

    def progress(stage: str, done: float, text: str) -> None:
        told.append(stage)

    recipe = Recipe(epochs=16, sparsity=0.98, tries=2, fresh_epochs=3, learning_rate=1e-2)
    model, data = nets.sequential(), nets.classes()
    choice = choose_loss(model, data)
    fit(model, data, Fitting("train", 30, 32, 1e-2, choice), no_progress, [])
    report = prune_model(model, data, nets.classes(40), recipe, progress=progress)
    assert report.tries == 2  # so few weights do not do
    assert list(dict.fromkeys(told)) == [
        *("try 1, prune", "try 2, train anew", "try 2, prune"),
    ]
