"""Train a dense network that takes as many bytes of flash as a pruned one, for comparison."""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

from tinykit.core.board import Board
from tinykit.core.data import DataSet
from tinykit.core.score import Score
from tinykit.host.build import BuildOptions, build
from tinykit.host.judge import judge_file
from tinykit.prune.load import save_model
from tinykit.prune.quantize import (
    Int8Model,
    convert,
    convert_untrained,
    quantize_inputs,
    score_int8,
)
from tinykit.prune.recipe import Recipe
from tinykit.prune.scale import expected_bytes, scaled
from tinykit.train.backend import import_keras
from tinykit.train.fit import Fitting, fit, settle
from tinykit.train.loss import choose_loss
from tinykit.train.meter import TrainingCost
from tinykit.train.progress import Progress

CLOSE = 0.02  # the share of bytes by which the twin may be smaller
BUILDS = 5  # to come as close as that
WIDEST = 4.0  # of the network that was pruned
STEPS = 14  # of halving the range of factors


@dataclass(frozen=True, slots=True)
class Twin:
    """Hold how a dense network of the same flash bytes does.

    Attributes:
        board: what both are compiled for.
        factor: its widths, of those of the network that was pruned.
        weights: weights and biases that it has.
        epochs: it was trained for.
        tables: bytes of all its tables in flash.
        pruned_tables: those of the pruned network.
        score: int8, on the test data.
        pruned_score: of the pruned network, the same.
        pruned_is_better: than this one.
        cost: what training it took.
    """

    board: str
    factor: float
    weights: int
    epochs: int
    tables: int
    pruned_tables: int
    score: Score
    pruned_score: Score
    pruned_is_better: bool
    cost: TrainingCost


@dataclass(frozen=True, slots=True)
class Place:
    """Hold what a network is compiled for, and the user's classes that loading it takes."""

    board: Board
    options: BuildOptions
    custom: Path | None = None

    def tables(self, tflite: bytes) -> int:
        """Return the bytes of all tables of a compiled network."""
        with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
            record = build(tflite, "network.tflite", self.board, self.options, Path(name, "build"))
        return record.sizes.weights


def train_twin(
    model: Any,
    pruned: Path,
    split: tuple[DataSet, DataSet],
    recipe: Recipe,
    epochs: int,
    seed: int,
    place: Place,
    progress: Progress,
) -> Twin:
    """Train the twin of a pruned network.

    Args:
        model: the network that was pruned, for its shape.
        pruned: the .keras file of what became of it.
        split: what to train on, and what to score on.
        recipe: for batches and the learning rate.
        epochs: how many.
        seed: of everything.
        place: what both are compiled for.
        progress: is told how far it is.
    """
    train, test = split
    small = convert(pruned, train, place.custom)
    tables = place.tables(small.tflite)
    loss = model.loss if getattr(model, "compiled", False) else choose_loss(model, train)
    import_keras().utils.set_random_seed(seed)
    factor = find_factor(model, tables, lambda copy: untrained_tables(copy, place))
    twin = scaled(model, factor)
    fitting = Fitting("dense twin", epochs, recipe.batch_size, recipe.learning_rate, loss)
    started_s = monotonic()
    cost = fit(twin, train, fitting, progress, []).lasting(monotonic() - started_s)
    settle(twin, loss)
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        path = Path(name, "twin.keras")
        save_model(twin, path)
        dense = convert(path, train, place.custom)
    score, pruned_score = _score(dense, test), _score(small, test)
    return Twin(
        place.board.name,
        factor,
        int(twin.count_params()),
        epochs,
        place.tables(dense.tflite),
        tables,
        score,
        pruned_score,
        pruned_score.better_than(score),
        cost,
    )


def find_factor(model: Any, wanted: int, tables: Callable[[Any], int]) -> float:
    """Return the factor of widths whose tables come nearest to `wanted` bytes from below.

    Few copies are measured: in between their bytes are expected from the weights, corrected by how
    far that was off at the last one. If even the narrowest copy is larger, it is the twin.
    """
    best, right = 0.0, 1.0
    for _ in range(BUILDS):
        factor = _widest(model, wanted / right)
        copy = scaled(model, factor)
        measured = tables(copy)
        if measured <= wanted:
            best = max(best, factor)
            if measured >= (1 - CLOSE) * wanted:
                break
        right = measured / expected_bytes(copy)
    return best


def _widest(model: Any, most: float) -> float:
    """Return the largest factor whose copy is expected to take at most so many bytes."""
    low, high = 0.0, WIDEST
    for _ in range(STEPS):
        middle = (low + high) / 2
        fits = expected_bytes(scaled(model, middle)) <= most
        low, high = (middle, high) if fits else (low, middle)
    return low


def untrained_tables(copy: Any, place: Place) -> int:
    """Return the bytes of all tables of a model that is not trained."""
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        path = Path(name, "copy.keras")
        save_model(copy, path)
        return place.tables(convert_untrained(path, place.custom))


def _score(converted: Int8Model, data: DataSet) -> Score:
    truth = judge_file(converted.tflite, "twin", [quantize_inputs(converted.input, data)])
    outputs = truth.outputs[0].reshape(len(data), *converted.output.shape[1:])
    return score_int8(converted.output, outputs, data)
