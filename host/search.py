"""Find the cheapest pruned network by compiling and measuring every one that is tried."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tinykit.codegen.frontier import Point, frontier_svg
from tinykit.core.board import Board
from tinykit.core.data import DataSet, load_dataset
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.core.files import atomic_path, write_atomic
from tinykit.core.score import Score
from tinykit.host.bench import bench
from tinykit.host.build import BuildOptions, build
from tinykit.host.judge import judge_file
from tinykit.host.loaded import load
from tinykit.host.networks import prune_into
from tinykit.host.samples import random_samples
from tinykit.host.session import Place
from tinykit.host.tried import Tried, key_of
from tinykit.host.version import VERSION
from tinykit.prune.chance import refuse_chance, refuse_trained
from tinykit.prune.keras3 import count_zeros
from tinykit.prune.kernels import LeftDense, find_kernels
from tinykit.prune.load import load_model, save_model
from tinykit.prune.pattern import KeepSome, WholeChannels
from tinykit.prune.quantize import Int8Model, convert, quantize_inputs, score_int8
from tinykit.prune.recipe import Recipe
from tinykit.prune.schedule import schedule_for
from tinykit.prune.search import (
    Goal,
    Price,
    Trial,
    chosen,
    next_kept,
    on_frontier,
    refuse_drop_without_accuracy,
    refuse_out_of_reach,
)
from tinykit.train.fit import refuse_misfit
from tinykit.train.meter import TrainingCost
from tinykit.train.predict import evaluate
from tinykit.train.progress import Progress
from tinykit.train.splits import hold_out

INPUTS = 3  # whose answers are compared with the oracle's, of each network that is tried
Show = Callable[[Trial], None]


@dataclass(frozen=True, slots=True)
class Search:
    """Hold what is searched.

    Attributes:
        model: the .keras file.
        data: the .npz file to train on; the part that choices are made by is held out of it.
        test: the .npz file to score the chosen network on, or None for another part of data.
        recipe: how networks are pruned; the search says how far.
        board: what they are compiled for.
        options: how.
        max_drop: how many points of accuracy may be lost; None does not matter.
        targets: the most that a network may cost, by measure.
        output: the .keras file to write.
        seed: of everything.
        custom: a Python file that registers the model's own classes.
        early: the weights that the recipe rewinds to, or None.
        from_scratch: the model may be no better than a guess.
        backend: what prunes: "keras" or "tfmot".
    """

    model: Path
    data: Path
    test: Path | None
    recipe: Recipe
    board: Board
    options: BuildOptions
    max_drop: float | None
    targets: dict[str, int]
    output: Path
    seed: int
    custom: Path | None
    early: Path | None
    from_scratch: bool
    backend: str = "keras"


@dataclass(frozen=True, slots=True)
class SearchReport:
    """Hold what the search found.

    Attributes:
        model: the .keras file that was written.
        picture: the .svg file that was written.
        board: what the networks were compiled for.
        oracle: who answered for the int8 networks: "tflm" or "reference".
        validation: the float network's score where choices are made.
        trials: what was tried, the densest first.
        best: the one that was taken.
        test_before: the float network's score on the test data.
        test_after: the int8 score of the one that was taken; the only look at the test data.
        resumed: how many trials an earlier run had left.
        cost: what pruning all that was tried took, those of an earlier run too.
        left_dense: what was not pruned of the one that was taken, with the reason.
    """

    model: Path
    picture: Path
    board: str
    oracle: str
    validation: Score
    trials: tuple[Trial, ...]
    best: Trial
    test_before: Score
    test_after: Score
    resumed: int
    cost: TrainingCost
    left_dense: tuple[LeftDense, ...]


def search(task: Search, progress: Progress, show: Show) -> SearchReport:
    """Try networks until one is found, and write it.

    Raises:
        TinykitError: the model or data cannot be used.
        CheckFailedError: no network will do; what was tried is kept for another goal.
    """
    _refuse_what_cannot_be_searched(task)
    tried = Tried(task.output.with_suffix(".search"), _key(task))
    trials = tried.load()
    resumed = len(trials)
    train, validation, test = _splits(task)
    model = load_model(task.model, task.custom)
    for data, name in ((train, "the data"), (test, "the test data")):
        refuse_misfit(model, data, name)
    goal = Goal(evaluate(model, validation), task.max_drop, task.targets)
    if task.recipe.from_start:
        refuse_trained(goal.reference, validation)
    elif not task.from_scratch:
        refuse_chance(goal.reference, validation)
    if task.max_drop is not None:
        refuse_drop_without_accuracy(goal.reference)
    schedule_for(task.recipe.epochs, len(train), task.recipe.batch_size, task.recipe.growth)
    tried.make()
    for trial in trials:
        show(trial)
    while (kept := next_kept(trials, goal)) is not None:
        if trials and not isinstance(task.recipe.pattern, WholeChannels):
            refuse_out_of_reach(trials[0], goal)
        made = _try(task, tried, kept, train, validation, progress)
        trials = sorted([*trials, made], key=lambda trial: -trial.kept)
        tried.add(trials)
        show(made)
    _draw(task, goal, trials, None)
    best = chosen(trials, goal)
    with atomic_path(task.output) as temporary:
        shutil.copyfile(tried.network(best.kept), temporary)
    final = convert(task.output, train, task.custom)
    oracle, after = _score(final, test, task.output.name)
    report = SearchReport(
        task.output,
        _draw(task, goal, trials, best),
        task.board.name,
        oracle,
        goal.reference,
        tuple(trials),
        best,
        evaluate(model, test),
        after,
        resumed,
        sum((trial.cost for trial in trials), TrainingCost()),
        best.left_dense,
    )
    tried.remove()
    return report


def picture_path(output: Path) -> Path:
    """Return where the drawing of a search lies."""
    return output.with_name(f"{output.stem}_frontier.svg")


def _refuse_what_cannot_be_searched(task: Search) -> None:
    if task.output.suffix != ".keras":
        raise TinykitError(f"{task.output} is no name of a .keras file", "-o pruned.keras")
    if isinstance(task.recipe.pattern, KeepSome):
        raise TinykitError(
            f"the pattern {task.recipe.pattern} has one number of zeros, nothing to search for",
            "choose another recipe, or leave --max-drop and --target out",
        )
    if task.max_drop is not None and not 0 <= task.max_drop < 100:
        raise TinykitError(f"--max-drop {task.max_drop:g} is no number of points", "--max-drop 0.5")
    if task.max_drop is not None and task.recipe.from_start:
        raise TinykitError(
            "the recipe starts from an untrained model, which has no accuracy to lose",
            "give what it may cost: --target flash=20k",
        )
    if not task.board.emulators:
        raise TinykitError(
            f"{task.board.name} has no emulator to count instructions in", "--board nano33"
        )


def _key(task: Search) -> str:
    """Return what decides every trial; the goal does not, so that another one can go on."""
    files = [task.model, task.data, *(p for p in (task.test, task.custom, task.early) if p)]
    return key_of(*files, task.recipe, task.board, task.options, task.seed, task.backend, VERSION)


def _splits(task: Search) -> tuple[DataSet, DataSet, DataSet]:
    rng = np.random.default_rng(task.seed)
    train = load_dataset(task.data)
    if task.test is not None:
        return (*hold_out(train, rng), load_dataset(task.test))
    train, test = hold_out(train, rng)
    return (*hold_out(train, rng), test)


def _try(
    task: Search,
    tried: Tried,
    kept: float,
    train: DataSet,
    validation: DataSet,
    progress: Progress,
) -> Trial:
    """Prune, convert, compile and count one network."""
    path = tried.network(kept)
    model = load_model(task.model, task.custom)
    weights = sum(layer.weights for layer in count_zeros(model))
    cost, left_dense = TrainingCost(), find_kernels(model, task.recipe.exclude).left_dense
    if kept < 1:
        name = f"{100 * (1 - kept):.1f} %, "

        def note(stage: str, done: float, text: str) -> None:
            progress(name + stage, done, text)

        early = None if task.early is None else load_model(task.early, task.custom).get_weights()
        recipe = task.recipe.with_sparsity(1 - kept)
        split = (train, validation)
        model, report = prune_into(model, split, recipe, task.seed, early, task.backend, note)
        cost, left_dense = report.cost, report.left_dense
    save_model(model, path)
    left = sum(int(np.count_nonzero(k.variable.numpy())) for k in find_kernels(model).kernels)
    converted = convert(path, train, task.custom)
    _, score = _score(converted, validation, path.name)
    price = _price(task, converted.tflite)
    return Trial(kept, weights, weights - left, score, price, cost, left_dense)


def _score(converted: Int8Model, data: DataSet, name: str) -> tuple[str, Score]:
    truth = judge_file(converted.tflite, name, [quantize_inputs(converted.input, data)])
    outputs = truth.outputs[0].reshape(len(data), *converted.output.shape[1:])
    return truth.oracle, score_int8(converted.output, outputs, data)


def _price(task: Search, tflite: bytes) -> Price:
    """Build a network for the board and count one inference."""
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        folder = Path(name, "build")
        record = build(tflite, "network.tflite", task.board, task.options, folder)
        samples = random_samples(load(folder, record).graph, INPUTS, seed=1)
        report = bench(folder, record, Place(None, task.board.emulators[0]), samples)
    if report.exact["mismatches"]:
        raise CheckFailedError(
            f"{report.exact['mismatches']} of {INPUTS} answers differ from the oracle",
            "please report it with the model",
        )
    sizes = record.sizes
    fixed = sizes.code + sizes.app
    return Price(sizes.flash, sizes.ram, report.instructions, fixed, sizes.arena)


def _draw(task: Search, goal: Goal, trials: list[Trial], best: Trial | None) -> Path:
    path = picture_path(task.output)
    points = [
        Point(
            f"{100 * trial.zeros / trial.weights:.1f} %",
            trial.score.value,
            str(trial.score),
            (trial.price.flash, trial.price.instructions),
            trial is best,
        )
        for trial in trials
    ]
    metric = f"{goal.reference.metric.value} on the validation data"
    title = f"{task.output.name} on {task.board.title}: zeros, and what they save"
    names = ("bytes of flash", "instructions")
    write_atomic(path, frontier_svg(title, metric, names, points, VERSION).encode())
    return path


def frontier_of(trials: tuple[Trial, ...], measure: str) -> tuple[Trial, ...]:
    """Return the trials that none beats in both accuracy and this measure."""
    return tuple(trial for trial in trials if on_frontier(trial, trials, measure))
