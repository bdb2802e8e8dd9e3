"""Prune Keras 3 models by magnitude while fine-tuning them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from tinykit.core.data import DataSet
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.core.score import Score
from tinykit.prune.distill import taught
from tinykit.prune.kernels import LeftDense, Prunable, find_kernels, kernel_name
from tinykit.prune.masks import Mask, Scope, choose_masks
from tinykit.prune.schedule import Schedule, schedule_for
from tinykit.train.backend import import_keras
from tinykit.train.fit import Fitting, fit, refuse_misfit, settle
from tinykit.train.loss import choose_loss, refuse_misfit_loss
from tinykit.train.predict import evaluate
from tinykit.train.progress import Progress, no_progress
from tinykit.train.task import Settings


@dataclass(frozen=True, slots=True)
class Recipe:
    """Hold how a network is pruned.

    Attributes:
        sparsity: the share of kernel weights that become zero (above 0, below 1).
        scope: where the threshold applies.
        epochs: passes over the data while pruning and recovering.
        batch_size: samples a step.
        learning_rate: Adam's, at the start; it falls to zero along a cosine.
        teacher_share: how much the dense network's own answers count for against the labels (0 to
            1); above 0 the model must be a classifier that ends in a softmax.
    """

    sparsity: float = 0.9
    scope: Scope = Scope.GLOBAL
    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 2e-3
    teacher_share: float = 0.0


def recipe_for(settings: Settings) -> Recipe:
    """Return how a task wants to be pruned."""
    return Recipe(
        settings.sparsity,
        Scope(settings.prune_scope),
        settings.prune_epochs,
        settings.batch_size,
        settings.prune_learning_rate,
        settings.teacher_share,
    )


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
    """

    before: Score
    after: Score
    layers: tuple[LayerZeros, ...]
    left_dense: tuple[LeftDense, ...]

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

    Raises:
        TinykitError: data that does not fit the model, nothing to prune, or too few steps.
    """
    keras = import_keras()
    keras.utils.set_random_seed(seed)
    _refuse_bad_recipe(recipe)
    refuse_misfit(model, train, "the data")
    refuse_misfit(model, test, "the test data")
    schedule = schedule_for(recipe.epochs, len(train), recipe.batch_size)
    loss = model.loss if getattr(model, "compiled", False) else choose_loss(model, train)
    refuse_misfit_loss(loss, model, train, "the model")
    before = evaluate(model, test)
    prunable = find_kernels(model)
    _refuse_nothing_to_prune(prunable)
    fitting = Fitting("prune", recipe.epochs, recipe.batch_size, recipe.learning_rate, loss)
    if recipe.teacher_share > 0:
        train = taught(model, train, recipe.teacher_share)
        fitting = replace(fitting, loss="categorical_crossentropy")
    with _masked(prunable.kernels, recipe, schedule) as callback:
        fit(model, train, fitting, progress, [callback])
    settle(model, loss)
    layers = tuple(_layer_zeros(model, kernel) for kernel in prunable.kernels)
    return PruneReport(before, evaluate(model, test), layers, prunable.left_dense)


def count_zeros(model: Any) -> tuple[LayerZeros, ...]:
    """Count the zeros of each kernel of a model that pruning may thin out."""
    return tuple(_layer_zeros(model, kernel) for kernel in find_kernels(model).kernels)


@contextmanager
def _masked(kernels: Sequence[Any], recipe: Recipe, schedule: Schedule) -> Iterator[Any]:
    """Hold zeros at zero inside the block, and check at its end that they are.

    The masks work as constraints, which Keras applies within every optimizer step.
    """
    import keras

    class Masked(keras.constraints.Constraint):  # type: ignore[misc]
        def __init__(self, mask: Any, inner: Any) -> None:
            self.mask, self.inner = mask, inner

        def __call__(self, weights: Any) -> Any:
            return (self.inner(weights) if self.inner else weights) * self.mask

    class Tighten(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.step = 0

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            if schedule.due(self.step):
                _tighten(kernels, masks, recipe, schedule.share(self.step))
            self.step += 1

    masks = [
        keras.Variable(np.ones(kernel.shape, np.float32), trainable=False) for kernel in kernels
    ]
    saved = [kernel.constraint for kernel in kernels]
    try:
        for kernel, mask, inner in zip(kernels, masks, saved, strict=True):
            kernel.constraint = Masked(mask, inner)
        yield Tighten()
        _settle(kernels, [mask.numpy() != 0 for mask in masks])
    finally:
        for kernel, inner in zip(kernels, saved, strict=True):
            kernel.constraint = inner


def _tighten(kernels: Sequence[Any], masks: Sequence[Any], recipe: Recipe, share: float) -> None:
    weights = [kernel.numpy() for kernel in kernels]
    chosen = choose_masks(weights, recipe.scope, share, recipe.sparsity)
    for kernel, weight, mask, stays in zip(kernels, weights, masks, chosen, strict=True):
        mask.assign(stays.astype(np.float32))
        kernel.assign(weight * stays)


def _settle(kernels: Sequence[Any], masks: Sequence[Mask]) -> None:
    """Check that the masks held, and turn negative zeros into zeros."""
    for kernel, stays in zip(kernels, masks, strict=True):
        weights = kernel.numpy()
        revived = int(np.count_nonzero(weights[~stays]))
        if revived:
            raise CheckFailedError(
                f"{kernel.path}: {revived} pruned weights are not zero after fine-tuning",
                "its train_step() sets weights past the optimizer; prune it without that",
            )
        kernel.assign(np.where(stays, weights, np.float32(0)))


def _layer_zeros(model: Any, kernel: Any) -> LayerZeros:
    weights = kernel.numpy()
    zeros = int(weights.size - np.count_nonzero(weights))
    return LayerZeros(kernel_name(model, kernel), int(weights.size), zeros)


def _refuse_bad_recipe(recipe: Recipe) -> None:
    if not 0 < recipe.sparsity < 1:
        raise TinykitError(
            f"a sparsity of {recipe.sparsity:g} is not between 0 and 1",
            "--sparsity 0.9 prunes to 90 % zeros",
        )
    if not 0 <= recipe.teacher_share <= 1:
        raise TinykitError(
            f"a teacher share of {recipe.teacher_share:g} is not between 0 and 1",
            "0 leaves the teacher out",
        )
    if recipe.epochs < 1 or recipe.batch_size < 1 or recipe.learning_rate <= 0:
        raise TinykitError(
            f"{recipe.epochs} epochs in batches of {recipe.batch_size} at a rate of "
            f"{recipe.learning_rate:g}",
            "all three must be above zero",
        )


def _refuse_nothing_to_prune(prunable: Prunable) -> None:
    if prunable.kernels:
        return
    left = "; ".join(f"{entry.name}: {entry.reason}" for entry in prunable.left_dense)
    raise TinykitError(
        f"the model has no kernel that can be pruned ({left or 'it has no kernels'})",
        "convolution, dense, attention and recurrent kernels can be",
    )
