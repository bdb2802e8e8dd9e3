"""The larger tasks: what they are, and, in `make soak`, what pruning reaches on them."""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tinykit.core.board import find_board
from tinykit.core.score import Score
from tinykit.host.build import BuildOptions, build
from tinykit.host.judge import judge_file
from tinykit.host.loaded import load
from tinykit.host.samples import from_dataset
from tinykit.host.session import Place
from tinykit.host.verify import verify
from tinykit.prune.keras3 import PruneReport, prune_model
from tinykit.prune.load import save_model
from tinykit.prune.quantize import convert, quantize_inputs, score_int8
from tinykit.prune.recipe import recipe_for
from tinykit.train import digits, digits_large, life, life_two
from tinykit.train.fit import fit_task
from tinykit.train.predict import evaluate
from tinykit.train.splits import Splits
from tinykit.train.task import Task, load_task

SEEDS, FOLDS = range(3), range(5)
SHARE, FLASH_SHARE, POINTS = 0.05, 0.04, 0.003
BOARD = find_board("nano33")


@dataclass(frozen=True, slots=True)
class Reached:
    """Hold what a task reached: int8 scores are TFLite Micro's, which the board's equal."""

    dense: Score
    pruned: PruneReport
    int8: Score
    tables: int


def reach(task: Task, seed: int, on_board: bool = False) -> Reached:
    """Train, prune, convert and build; with `on_board` the image answers the whole test too."""
    model, splits, _ = fit_task(task, seed)
    dense = evaluate(model, splits.test)
    pruned = prune_model(model, splits.train, splits.validation, recipe_for(task.settings), seed)
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        path, folder = Path(name, "m.keras"), Path(name, "build")
        save_model(model, path)
        converted = convert(path, splits.train)
        record = build(converted.tflite, "m.tflite", BOARD, BuildOptions(), folder)
        inputs = [quantize_inputs(converted.input, splits.test)]
        truth = judge_file(converted.tflite, "m", inputs)
        if on_board:
            samples = from_dataset(load(folder, record).graph, splits.test, "m.tflite")
            assert verify(folder, record, Place(None, "unicorn"), samples).mismatches == 0
    outputs = truth.outputs[0].reshape(len(splits.test), *converted.output.shape[1:])
    score = score_int8(converted.output, outputs, splits.test)
    return Reached(dense, pruned, score, record.sizes.weights)


def means(found: list[Reached]) -> tuple[float, float]:
    """Return the mean score of the dense float networks, and that of the pruned ones as int8."""
    dense = float(np.mean([each.dense.value for each in found]))
    return dense, float(np.mean([each.int8.value for each in found]))


def tell(capsys: pytest.CaptureFixture[str], what: str, found: list[Reached]) -> None:
    """Print what was seen so far, since a soak takes long."""
    dense, int8 = means(found)
    left = max(each.pruned.weights - each.pruned.zeros for each in found)
    tables = max(each.tables for each in found)
    tries = max(each.pruned.tries for each in found)
    with capsys.disabled():
        print(
            f"\n{what}: {len(found)} runs, mean {100 * dense:.2f} % dense, "
            f"{100 * int8:.2f} % as int8, at most {left} weights, {tables} bytes of tables, "
            f"{tries} tries"
        )


def on_fold(fold: int) -> Task:
    """Return the task digits_large with another fifth of the images to test on."""
    task = load_task("digits_large")
    module = ModuleType("digits_fold")
    module.build_model = digits_large.build_model  # type: ignore[attr-defined]

    def load_data(rng: np.random.Generator) -> Splits:
        return digits.load_fold(fold, rng)

    module.load_data = load_data  # type: ignore[attr-defined]
    return replace(task, module=module)


@pytest.mark.parametrize(
    ("name", "weights", "zeros"),
    [("digits_large", 89_930, 0.95), ("life_small", 865, 0.9), ("life_two", 5_506, 0.75)],
)
def test_tasks_are_of_the_size_that_they_say(name: str, weights: int, zeros: float) -> None:
    task = load_task(name)
    assert task.build_model().count_params() == weights
    assert task.settings.sparsity >= zeros


def test_folds_test_on_every_image_once() -> None:
    rng = np.random.default_rng(0)
    folds = [digits.load_fold(fold, rng) for fold in FOLDS]
    assert sum(len(fold.test) for fold in folds) == 1797
    tested = {image.tobytes() for fold in folds for image in fold.test.x}
    assert len(tested) == len({image.tobytes() for fold in folds for image in fold.validation.x})
    for fold in folds:
        seen = {image.tobytes() for image in fold.train.x}
        assert not any(image.tobytes() in seen for image in (*fold.test.x, *fold.validation.x))


def test_two_steps_begin_with_what_one_step_knows() -> None:
    one, two = load_task("life").build_model(), load_task("life_two").build_model()
    life_two.begin_from(two, one)
    boards: Any = life.random_boards(20, np.random.default_rng(0))
    assert np.allclose(two(boards), one(one(boards)), atol=1e-6)
    data = life_two.load_data(np.random.default_rng(0))
    assert data.test.y is not None and len(data.test) == 10_000
    assert np.array_equal(data.test.y, life.next_board(life.next_board(data.test.x)))


@pytest.mark.soak
@pytest.mark.slow
def test_the_board_says_what_was_reached_on_digits_at_5_percent_of_the_weights(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found = reach(on_fold(0), 0, on_board=True)
    tell(capsys, "digits_large on the board, seed 0, fold 0", [found])
    assert found.int8.value >= found.dense.value - 2 / found.int8.samples - POINTS
    check_digits(found)


@pytest.mark.soak
@pytest.mark.slow
def test_digits_keep_their_accuracy_at_5_percent_of_the_weights(
    capsys: pytest.CaptureFixture[str],
) -> None:
    found: list[Reached] = []
    for seed in SEEDS:
        for fold in FOLDS:
            found.append(reach(on_fold(fold), seed))
            tell(capsys, f"digits_large up to seed {seed}, fold {fold}", found)
            check_digits(found[-1])
    dense, int8 = means(found)
    assert int8 >= dense - POINTS


def check_digits(found: Reached) -> None:
    """Check that so few weights take so little flash."""
    pruned = found.pruned
    assert pruned.weights - pruned.zeros <= SHARE * pruned.weights
    assert found.tables <= FLASH_SHARE * 4 * 89_930


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_16_maps_can_live_on_a_tenth_of_their_weights(
    seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = reach(load_task("life_small"), seed)
    tell(capsys, f"life_small, seed {seed}", [found])
    assert (found.pruned.weights, found.pruned.zeros) == (816, 735)
    assert found.dense.value == found.int8.value == 1


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("seed", SEEDS)
def test_two_steps_are_right_on_every_board(seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    found = reach(load_task("life_two"), seed)
    tell(capsys, f"life_two, seed {seed}", [found])
    assert found.int8.samples == 10_000 and found.pruned.zeros >= 0.75 * found.pruned.weights
    assert found.dense.value == found.int8.value == 1
