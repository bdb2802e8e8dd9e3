"""Prune Keras 3 models by magnitude while fine-tuning them."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.core.score import Score
from tinykit.prune.aware import aware, calibration_samples
from tinykit.prune.choice import choice_for, refuse_nothing_to_prune
from tinykit.prune.criterion import scores_for
from tinykit.prune.distill import taught
from tinykit.prune.gradients import Gradients
from tinykit.prune.kernels import LeftDense, PrunableKernel, find_kernels
from tinykit.prune.masking import callbacks_for, masked
from tinykit.prune.recipe import Recipe, refuse_bad_recipe
from tinykit.prune.regrow import regrowing
from tinykit.prune.renew import train_anew, untrained_copy
from tinykit.prune.rounds import Keep, Weights, run_rounds
from tinykit.prune.schedule import Growth, schedule_for
from tinykit.prune.tries import Renew, best_of_tries
from tinykit.train.backend import import_keras
from tinykit.train.fit import Fitting, fit, refuse_misfit, settle
from tinykit.train.loss import choose_loss, refuse_misfit_loss
from tinykit.train.meter import TrainingCost, teaching_cost
from tinykit.train.predict import evaluate
from tinykit.train.progress import Progress, no_progress

AWARE_RATE = 0.1  # of the recipe's


@dataclass(frozen=True, slots=True)
class LayerZeros:
    """Hold how many weights of one kernel are zero."""

    name: str
    weights: int
    zeros: int


@dataclass(frozen=True, slots=True)
class PruneReport:
    """Hold what pruning did.

    Attributes:
        before: the score on the test data before.
        after: the score on the test data after.
        layers: the zeros of each pruned kernel, in the model's order.
        left_dense: kernels and other tensors that were not pruned, with the reason.
        cost: what pruning took, not what the network that came had taken.
        tries: how often it was pruned, the best of which this is.
    """

    before: Score
    after: Score
    layers: tuple[LayerZeros, ...]
    left_dense: tuple[LeftDense, ...]
    cost: TrainingCost
    tries: int = 1

    @property
    def weights(self) -> int:
        """Return how many weights the pruned kernels have."""
        return sum(layer.weights for layer in self.layers)

    @property
    def zeros(self) -> int:
        """Return how many of them are zero."""
        return sum(layer.zeros for layer in self.layers)


def prune_model(
    model: Any,
    train: DataSet,
    test: DataSet,
    recipe: Recipe,
    seed: int = 0,
    progress: Progress = no_progress,
    early: Weights | None = None,
    keep: Keep | None = None,
) -> PruneReport:
    """Prune a Keras model in place.

    The number of zeros is the sparsity times the number of weights of all kernels (or of each, by
    layer), rounded up; zeros that were there count, and stay. The loss is the one that the
    model was compiled with, or else the one that its outputs and the labels call for.

    Args:
        model: a Keras 3 model with one input and one output.
        train: the samples to fine-tune on.
        test: the samples to score on, before and after; no choice is made on them.
        recipe: how.
        seed: decides the order of the samples.
        progress: is told how far it is.
        early: the weights that a recipe with rewinding starts every round from, as get_weights()
            returned them early in the training of this model.
        keep: where rounds leave what they made, to go on from; None if they do not.

    Raises:
        TinykitError: data that does not fit the model, nothing to prune, or too few steps.
    """
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    refuse_bad_recipe(recipe)
    if recipe.clusters:
        raise TinykitError("clusters of weights are for tfmot to make", "--backend tfmot")
    refuse_misfit(model, train, "the data")
    refuse_misfit(model, test, "the test data")
    _refuse_wrong_early_weights(model, recipe, early)
    schedule = schedule_for(recipe.epochs, len(train), recipe.batch_size, recipe.growth)
    loss = model.loss if getattr(model, "compiled", False) else choose_loss(model, train)
    refuse_misfit_loss(loss, model, train, "the model")
    if recipe.tries > 1:
        renew = _renewing(model, train, recipe, loss) if recipe.fresh_epochs else None
        return best_of_tries(prune_model, model, train, test, recipe, seed, progress, renew)
    before = evaluate(model, test)
    prunable = find_kernels(model, recipe.exclude)
    refuse_nothing_to_prune(prunable)
    fitting = Fitting("prune", recipe.epochs, recipe.batch_size, recipe.learning_rate, loss)
    cost = TrainingCost()
    if recipe.teacher_share > 0:
        cost += teaching_cost(model, len(train))
        train = taught(model, train, recipe.teacher_share)
        fitting = replace(fitting, loss="categorical_crossentropy")
    variables = [kernel.variable for kernel in prunable.kernels]
    rng = np.random.default_rng(seed)
    gradients = Gradients(model, variables, fitting.loss, train, rng)
    scores = scores_for(recipe.criterion, variables, gradients, rng)
    with masked(choice_for(model, prunable, recipe, scores)) as masker:
        callbacks = callbacks_for(masker, schedule)
        if recipe.growth is Growth.REGROW:
            callbacks = [regrowing(masker, schedule, gradients, recipe.batch_size)]

        def fit_round(stage: str) -> TrainingCost:
            return fit(model, train, replace(fitting, stage=stage), progress, callbacks)

        cost += run_rounds(model, masker, recipe, fit_round, seed, early, keep)
        if recipe.aware_epochs:
            cost += _fit_aware(model, train, fitting, recipe, progress)
    settle(model, loss)
    layers = tuple(layer_zeros(kernel) for kernel in prunable.kernels)
    cost += gradients.meter.cost
    return PruneReport(before, evaluate(model, test), layers, prunable.left_dense, cost)


def _renewing(model: Any, data: DataSet, recipe: Recipe, loss: Any) -> Renew:
    """Return what trains the model anew; refuses now a model that cannot be."""
    untrained_copy(model, data)
    epochs, rate = recipe.fresh_epochs, recipe.learning_rate
    fitting = Fitting("train anew", epochs, recipe.batch_size, rate, loss)

    def renew(train: DataSet, seed: int, progress: Progress) -> TrainingCost:
        return train_anew(model, train, fitting, seed, progress)

    return renew


def _fit_aware(
    model: Any, train: DataSet, fitting: Fitting, recipe: Recipe, progress: Progress
) -> TrainingCost:
    """Fit on with a tenth of the learning rate, rounding as int8 will."""
    slow = replace(
        fitting,
        stage="int8 aware",
        epochs=recipe.aware_epochs,
        learning_rate=AWARE_RATE * recipe.learning_rate,
    )
    with aware(model, calibration_samples(train.x)) as callback:
        return fit(model, train, slow, progress, [callback])


def count_zeros(model: Any) -> tuple[LayerZeros, ...]:
    """Count the zeros of each kernel of a model that pruning may thin out."""
    return tuple(layer_zeros(kernel) for kernel in find_kernels(model).kernels)


def layer_zeros(kernel: PrunableKernel) -> LayerZeros:
    """Count the zeros of a kernel."""
    weights = kernel.variable.numpy()
    zeros = int(weights.size - np.count_nonzero(weights))
    return LayerZeros(kernel.name, int(weights.size), zeros)


def _refuse_wrong_early_weights(model: Any, recipe: Recipe, early: Weights | None) -> None:
    if recipe.rewind != (early is not None):
        what = "has no early weights to rewind to" if recipe.rewind else "rewinds to no weights"
        raise TinykitError(
            f"the recipe {what}",
            "tinykit train --early 1 keeps weights for --recipe lottery --early NAME_early.keras",
        )
    wanted = [tuple(variable.shape) for variable in model.weights]
    if early is not None and [value.shape for value in early] != wanted:
        raise TinykitError(
            "the early weights are those of another network",
            "tinykit train --early 1 keeps those of the network that it trains",
        )
