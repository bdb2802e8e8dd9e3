"""Compare recipes on three tasks over five seeds and write docs/recipes.md: `make recipes`.

What was measured lies in build/recipes, a file a task and seed, so that a run that was stopped goes
on.
"""

import json
import statistics
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from time import process_time
from typing import Any

from tinykit.core.board import find_board
from tinykit.host.build import BuildOptions
from tinykit.host.twin import Place, find_factor, untrained_tables
from tinykit.prune.early_bird import EarlyBird
from tinykit.prune.keras3 import prune_model
from tinykit.prune.load import save_model
from tinykit.prune.quantize import convert
from tinykit.prune.recipe import RECIPES, Recipe
from tinykit.prune.scale import scaled
from tinykit.train.backend import import_keras
from tinykit.train.fit import Fitting, fit, fit_task
from tinykit.train.loss import choose_loss
from tinykit.train.meter import ASSUMPTION, TrainingCost
from tinykit.train.predict import evaluate
from tinykit.train.progress import no_progress
from tinykit.train.splits import Splits
from tinykit.train.task import Task, load_task

SEEDS = range(5)
SPARSITY = 0.9
RESULTS = Path("build/recipes")
BOARD = "nano33"
ROUNDS = 4  # of iterative pruning and of the lottery, which share the epochs of one


TASKS = ("sine", "life", "digits")
FROM_DENSE = ("gradual", "one-shot", "iterative")
FROM_START = ("erk", "snip", "rigl")
ROWS = ("dense", *FROM_DENSE, "early bird, gradual", *FROM_START, "dense twin")


@dataclass(frozen=True, slots=True)
class Row:
    """Hold what one recipe reached with one seed: its float score, and what all training took."""

    value: float
    macs: int
    effective: int
    cpu_s: float
    joules: float


def measure(name: str, seed: int, factor: float) -> dict[str, Row]:
    """Train a task's network by every recipe."""
    task = load_task(name)
    epochs, prune_epochs = task.settings.epochs, task.settings.prune_epochs
    rows: dict[str, Row] = {}

    def note(row: str, model: Any, test: Splits, cost: TrainingCost) -> None:
        value = evaluate(model, test.test).value
        effective = cost.effective
        assert effective is not None
        rows[row] = Row(value, cost.macs, effective, cost.wall_s, cost.joules)

    dense, splits, cost = _dense(task, seed, lambda _model, _epoch: False)
    note("dense", dense, splits, cost)
    start = dense.get_weights()
    for recipe in FROM_DENSE:
        dense.set_weights(start)
        spent = _prune(dense, splits, _recipe(task, recipe, prune_epochs), seed)
        note(recipe, dense, splits, cost + spent)
    bird = EarlyBird(_recipe(task, "gradual", prune_epochs))
    model, _, spent = _dense(task, seed, lambda model, _epoch: bird.settled(model))
    spent += _prune(model, splits, _recipe(task, "gradual", prune_epochs), seed)
    note("early bird, gradual", model, splits, spent)
    whole = epochs + prune_epochs
    for recipe in FROM_START:
        import_keras().utils.set_random_seed(seed)
        model = task.build_model()
        note(recipe, model, splits, _prune(model, splits, _recipe(task, recipe, whole), seed))
    import_keras().utils.set_random_seed(seed)
    twin = scaled(task.build_model(), factor)
    note("dense twin", twin, splits, _fit(twin, task, splits, whole))
    return rows


def _dense(
    task: Task, seed: int, after_epoch: Callable[[Any, int], bool]
) -> tuple[Any, Splits, TrainingCost]:
    started_s = process_time()
    model, splits, report = fit_task(task, seed, no_progress, after_epoch)
    return model, splits, report.cost.lasting(process_time() - started_s)


def _prune(model: Any, splits: Splits, recipe: Recipe, seed: int) -> TrainingCost:
    started_s = process_time()
    report = prune_model(model, splits.train, splits.validation, recipe, seed)
    return report.cost.lasting(process_time() - started_s)


def _fit(model: Any, task: Task, splits: Splits, epochs: int) -> TrainingCost:
    settings = task.settings
    loss = choose_loss(model, splits.train)
    fitting = Fitting("twin", epochs, settings.batch_size, settings.learning_rate, loss)
    started_s = process_time()
    return fit(model, splits.train, fitting, no_progress, []).lasting(process_time() - started_s)


def _recipe(task: Task, name: str, epochs: int) -> Recipe:
    recipe = RECIPES[name]
    rounds = ROUNDS if recipe.rounds > 1 else 1
    settings = task.settings
    return replace(
        recipe,
        sparsity=SPARSITY,
        rounds=rounds,
        epochs=_round_epochs(epochs) if rounds > 1 else epochs,
        batch_size=settings.batch_size,
        learning_rate=settings.prune_learning_rate,
    )


def _round_epochs(epochs: int) -> int:
    return max(1, epochs // ROUNDS)


def twin_factor(name: str) -> tuple[float, int]:
    """Return the widths of a task's twin, and the bytes of all tables of its pruned network."""
    task = load_task(name)
    task = replace(task, settings=replace(task.settings, epochs=1))
    model, splits, _ = fit_task(task, 0)
    _prune(model, splits, _recipe(task, "gradual", task.settings.prune_epochs), 0)
    place = Place(find_board(BOARD), BuildOptions())
    with tempfile.TemporaryDirectory(prefix="tinykit-") as work:
        path = Path(work, "pruned.keras")
        save_model(model, path)
        tables = place.tables(convert(path, splits.train).tflite)
    shape = task.build_model()
    return find_factor(shape, tables, lambda copy: untrained_tables(copy, place)), tables


def page(found: dict[str, list[dict[str, Row]]], tables: dict[str, int]) -> str:
    """Return the page's text."""
    parts = "\n\n".join(_part(name, found[name], tables[name]) for name in found)
    return f"""# Recipes compared

Written by `make recipes`. What is the cheapest way to a network with {100 * SPARSITY:g} % zeros,
and is it better than a small network without any? Three built-in tasks, {len(SEEDS)} seeds; scores
are means, worst and best of the float networks on the test data, without a teacher. What each
recipe does stands in [pruning.md](pruning.md#recipes).

Of each task **all rows have the same number of epochs**, with three exceptions: `dense` is the
network before it is pruned, `early bird` stops its dense training early, and the {ROUNDS} rounds of
iterative pruning take whole epochs. Recipes that prune a trained network spend some of them on it
and the rest on pruning; those that are sparse from the start (`erk`, `snip`, `rigl`) and the dense
twin spend all on one training. How many are those of the tasks themselves.

The **dense twin** is the same network with fewer channels, whose tables take as many bytes of flash
on {BOARD} as those of the gradually pruned one.

MACs are multiply-accumulates, forward and backward, of all training that the row takes: the dense
network's too for what is pruned from it. **Nothing here skips zeros while it trains**; "if zeros
were skipped" is what would be left then, and only there sparse training is cheaper. CPU seconds are
those that the processor worked for, whatever else the machine did. Joules are an estimate,
{ASSUMPTION}.

{parts}
"""


def _part(name: str, seeds: list[dict[str, Row]], tables: int) -> str:
    settings = load_task(name).settings
    each_round = _round_epochs(settings.prune_epochs)
    accuracy = name != "sine"
    head = "accuracy, % (worst to best)" if accuracy else "mean squared error (worst to best)"
    lines = [
        f"| recipe | {head} | MACs, G | if zeros were skipped, G | CPU seconds | joules |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for row in ROWS:
        each = [rows[row] for rows in seeds]
        values = sorted((one.value for one in each), reverse=not accuracy)
        numbers = [_value(number, accuracy) for number in (statistics.mean(values), *values)]
        lines.append(
            f"| {row} | {numbers[0]} ({numbers[1]} to {numbers[-1]}) | "
            f"{_mean(one.macs / 1e9 for one in each)} | "
            f"{_mean(one.effective / 1e9 for one in each)} | "
            f"{_mean(one.cpu_s for one in each)} | {_mean(one.joules for one in each)} |"
        )
    return f"""## {name}

{settings.epochs} epochs dense, {settings.prune_epochs} of pruning, {each_round} in each round
of iterative pruning; pruned gradually, the network has {tables} bytes of tables.

{chr(10).join(lines)}

{_verdict(seeds, accuracy)}"""


def _verdict(seeds: list[dict[str, Row]], accuracy: bool) -> str:
    """Say in words what the means say."""
    mean = {row: statistics.mean(rows[row].value for rows in seeds) for row in ROWS}
    sign = 1 if accuracy else -1
    twin, gradual = mean["dense twin"], mean["gradual"]
    beats = sign * (gradual - twin) > 0
    loses = [row for row in FROM_START if sign * (gradual - mean[row]) > 0]
    wins = [row for row in FROM_START if row not in loses]
    by_twin = [row for row in ROWS[1:-1] if sign * (twin - mean[row]) >= 0]
    sentences = [
        "By the mean, gradual pruning beats the dense twin of the same bytes."
        if beats
        else "By the mean, gradual pruning does **not** beat the dense twin of the same bytes.",
        f"Sparse from the start loses to it: {'; '.join(loses)}." if loses else "",
        f"Sparse from the start is as good or better: {'; '.join(wins)}." if wins else "",
        f"As good as the twin or worse: {'; '.join(by_twin)}." if by_twin else "",
    ]
    return "\n".join(each for each in sentences if each)


def _value(number: float, accuracy: bool) -> str:
    return f"{100 * number:.2f}" if accuracy else f"{number:.2g}"


def _mean(numbers: Any) -> str:
    return f"{statistics.mean(numbers):.3g}"


def _kept(path: Path, make: Callable[[], Any]) -> Any:
    """Return what a file holds, or make it and keep it there."""
    if not path.exists():
        print(f"{path.stem} ...", file=sys.stderr)
        made = make()
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(made))
    return json.loads(path.read_text())


def _plain(rows: dict[str, Row]) -> dict[str, list[float]]:
    return {name: [r.value, r.macs, r.effective, r.cpu_s, r.joules] for name, r in rows.items()}


def main() -> None:
    """Measure everything and write the page."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/recipes_table.py FILE.md")
    found: dict[str, list[dict[str, Row]]] = {}
    tables: dict[str, int] = {}
    for name in TASKS:
        factor, tables[name] = _kept(RESULTS / f"{name}.json", lambda name=name: twin_factor(name))
        found[name] = []
        for seed in SEEDS:
            made = _kept(
                RESULTS / f"{name}-{seed}.json",
                lambda name=name, seed=seed, factor=factor: _plain(measure(name, seed, factor)),
            )
            found[name].append({row: Row(*values) for row, values in made.items()})
    Path(sys.argv[1]).write_text(page(found, tables))


if __name__ == "__main__":
    main()
