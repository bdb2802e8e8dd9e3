"""Train, prune and quantize files: the rooms train/ and prune/ joined to the file system."""

from dataclasses import dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet, load_dataset, load_inputs, save_dataset
from tinykit.core.errors import TinykitError
from tinykit.core.files import atomic_path, write_atomic
from tinykit.core.score import Score
from tinykit.host.judge import judge_file
from tinykit.prune.backends import backend_named
from tinykit.prune.chance import refuse_chance, refuse_trained
from tinykit.prune.early_bird import EarlyBird
from tinykit.prune.keras3 import PruneReport
from tinykit.prune.load import load_model, save_model
from tinykit.prune.pattern import WholeChannels
from tinykit.prune.quantize import (
    Int8Model,
    convert,
    convert_many,
    quantize_input,
    quantize_inputs,
    score_int8,
)
from tinykit.prune.recipe import Recipe, recipe_for
from tinykit.prune.rounds import Keep, Weights
from tinykit.prune.shrink import shrink
from tinykit.train.fit import FitReport, fit_task, refuse_misfit, refuse_wrong_samples, settle
from tinykit.train.predict import evaluate
from tinykit.train.progress import Progress
from tinykit.train.splits import hold_out
from tinykit.train.task import load_task


@dataclass(frozen=True, slots=True)
class QuantizeReport:
    """Hold what quantization did.

    Attributes:
        oracle: who computed the int8 score: "tflm" or "reference".
        before: the float network's score; None for data without labels.
        after: the int8 network's score.
        float_bytes: the size of the weights in float32.
        tflite_bytes: the size of the file.
        weights, zeros: of the kernels after conversion.
    """

    oracle: str
    before: Score | None
    after: Score | None
    float_bytes: int
    tflite_bytes: int
    weights: int
    zeros: int


def data_paths(model: Path) -> tuple[Path, Path]:
    """Return where `train` leaves its data: to train on, and to test on."""
    return (
        model.with_name(f"{model.stem}_train.npz"),
        model.with_name(f"{model.stem}_test.npz"),
    )


def early_path(model: Path) -> Path:
    """Return where `train` leaves the weights of early in the training."""
    return model.with_name(f"{model.stem}_early.keras")


def train(
    task_name: str,
    output: Path,
    seed: int,
    epochs: int | None,
    early_epochs: int,
    early_bird: bool,
    progress: Progress,
) -> FitReport:
    """Train a task's network and save it, its training and its test data.

    Args:
        task_name: built in, or the path of a Python file.
        output: the .keras file to write.
        seed: of everything.
        epochs: how many; None for as many as the task says.
        early_epochs: after so many the weights are saved too, if it is any.
        early_bird: stop when the weights that pruning would keep have settled.
        progress: is told how far it is.
    """
    if output.suffix != ".keras":
        raise TinykitError(f"{output} is no name of a .keras file", "-o model.keras")
    task = load_task(task_name)
    if epochs is not None:
        task = replace(task, settings=replace(task.settings, epochs=epochs))
    if early_epochs > task.settings.epochs:
        raise TinykitError(
            f"{task_name} trains for {task.settings.epochs} epochs, fewer than {early_epochs}",
            "--early 1",
        )

    bird = EarlyBird(recipe_for(task.settings)) if early_bird else None

    def keep(model: Any, epoch: int) -> bool:
        if epoch == early_epochs:
            save_model(model, early_path(output))
        return bird is not None and bird.settled(model)

    started_s = monotonic()
    model, splits, report = fit_task(task, seed, progress, keep)
    report = replace(report, cost=report.cost.lasting(monotonic() - started_s))
    save_model(model, output)
    for path, data in zip(data_paths(output), (splits.train, splits.test), strict=True):
        save_data(path, data)
    return report


def save_data(path: Path, data: DataSet) -> None:
    """Write a data set, whole or not at all."""
    with atomic_path(path) as temporary:
        save_dataset(temporary, data)


def load_split(data: Path, test: Path | None, seed: int) -> tuple[DataSet, DataSet]:
    """Load what to train on and what to score on; without a test file a part is held out."""
    samples = load_dataset(data)
    if test is not None:
        return samples, load_dataset(test)
    return hold_out(samples, np.random.default_rng(seed))


def prune(
    files: tuple[Path, Path, Path | None, Path | None],
    split: tuple[DataSet, DataSet],
    how: Recipe,
    seed: int,
    from_scratch: bool,
    backend: str,
    progress: Progress,
    keep: Keep | None = None,
) -> PruneReport:
    """Prune a .keras file into another.

    Args:
        files: the model, what to write, and if there are any a Python file that registers the
            model's classes and the .keras file whose weights the recipe rewinds to.
        split: what to train on, and what to score on.
        how: the recipe.
        seed: of everything.
        from_scratch: the model may be no better than a guess.
        backend: "keras" or "tfmot".
        progress: is told how far it is.
        keep: where rounds leave what they made, or None.
    """
    path, output, custom, early = files
    if output.suffix != ".keras":
        raise TinykitError(f"{output} is no name of a .keras file", "-o pruned.keras")
    model = load_model(path, custom)
    if how.from_start or not from_scratch:
        refuse_misfit(model, split[1], "the test data" if split[1].y is not None else "the data")
        refuse = refuse_trained if how.from_start else refuse_chance
        refuse(evaluate(model, split[1]), split[1])
    weights = None if early is None else load_model(early, custom).get_weights()
    pruned, report = prune_into(model, split, how, seed, weights, backend, progress, keep)
    save_model(pruned, output)
    return report


def prune_into(
    model: Any,
    split: tuple[DataSet, DataSet],
    how: Recipe,
    seed: int,
    early: Weights | None,
    backend: str,
    progress: Progress,
    keep: Keep | None = None,
) -> tuple[Any, PruneReport]:
    """Prune a model in place, and return it, or a smaller one if whole channels went."""
    started_s = monotonic()
    report = backend_named(backend)(model, *split, how, seed, progress, early, keep)
    elapsed_s = report.cost.wall_s + monotonic() - started_s
    report = replace(report, cost=report.cost.lasting(elapsed_s))
    if isinstance(how.pattern, WholeChannels):
        loss = model.loss
        model = shrink(model)
        settle(model, loss)
    return model, report


def quantize(
    path: Path,
    data: Path,
    test: Path | None,
    custom: Path | None,
    activations: str,
    output: Path,
) -> QuantizeReport:
    """Convert a .keras file to a full-integer .tflite file and compare their scores."""
    several = load_inputs(data)
    if several:
        return _quantize_several(path, several, custom, activations, output)
    samples = load_dataset(data)
    scored = load_dataset(test) if test is not None else samples
    converted = convert(path, samples, custom, activations)
    before = None
    if scored.y is not None:
        model = load_model(path, custom)
        refuse_wrong_samples(model, scored, "the test data" if test is not None else "the data")
        before = evaluate(model, scored)
    report = quantize_report(converted, before, scored, output.name)
    write_atomic(output, converted.tflite)
    return report


def _quantize_several(
    path: Path,
    inputs: tuple[NDArray[Any], ...],
    custom: Path | None,
    activations: str,
    output: Path,
) -> QuantizeReport:
    """Convert a network of several inputs; it runs once in TFLM, and has no score."""
    converted = convert_many(path, inputs, custom, activations)
    ports = converted.summary.inputs
    first = [quantize_input(port, x[:1]) for port, x in zip(ports, inputs, strict=True)]
    truth = judge_file(converted.tflite, output.name, first)
    write_atomic(output, converted.tflite)
    return _report(converted, truth.oracle, None, None)


def quantize_report(
    converted: Int8Model, before: Score | None, scored: DataSet, name: str
) -> QuantizeReport:
    """Run a converted model on a data set and report."""
    truth = judge_file(converted.tflite, name, [quantize_inputs(converted.input, scored)])
    outputs = truth.outputs[0].reshape(len(scored), *converted.output.shape[1:])
    after = score_int8(converted.output, outputs, scored) if scored.y is not None else None
    return _report(converted, truth.oracle, before, after)


def _report(
    converted: Int8Model, oracle: str, before: Score | None, after: Score | None
) -> QuantizeReport:
    return QuantizeReport(
        oracle=oracle,
        before=before,
        after=after,
        float_bytes=4 * converted.weights,
        tflite_bytes=len(converted.tflite),
        weights=converted.weights,
        zeros=converted.zeros,
    )
