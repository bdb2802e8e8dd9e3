"""The three demos, trained, pruned and converted as `tinykit demo` does it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tinykit.core import oracle
from tinykit.core.data import DataSet
from tinykit.core.score import Score
from tinykit.prune.keras3 import PruneReport, prune_model
from tinykit.prune.load import save_model
from tinykit.prune.quantize import Int8Model, convert, quantize_inputs, score_int8
from tinykit.prune.recipe import recipe_for
from tinykit.train.fit import fit_task
from tinykit.train.task import load_task

OPERATORS = {
    "CONV_2D",
    "DEPTHWISE_CONV_2D",
    "FULLY_CONNECTED",
    "MAX_POOL_2D",
    "AVERAGE_POOL_2D",
    "MEAN",
    "RESHAPE",
    "SOFTMAX",
    "LOGISTIC",
    "ADD",
    "QUANTIZE",
    "DEQUANTIZE",
}


@dataclass(frozen=True, slots=True)
class Demo:
    pruned: PruneReport
    int8: Int8Model
    score: Score


def _run(name: str, seed: int, folder: Path) -> Demo:
    task = load_task(name)
    model, splits, _ = fit_task(task, seed)
    pruned = prune_model(model, splits.train, splits.test, recipe_for(task.settings), seed)
    save_model(model, folder / "model.keras")
    int8 = convert(folder / "model.keras", splits.train)
    return Demo(pruned, int8, _tflm_score(int8, splits.test))


def _tflm_score(int8: Int8Model, test: DataSet) -> Score:
    outputs: Any = oracle.run(int8.tflite, [quantize_inputs(int8.input, test)]).outputs[0]
    return score_int8(int8.output, outputs.astype(np.int8), test)


def _check_promises(demo: Demo, weights: int) -> None:
    assert set(demo.int8.summary.operators) <= OPERATORS
    assert (demo.pruned.weights, demo.pruned.zeros) == (weights, -(-weights * 9 // 10))
    assert demo.int8.zeros >= demo.pruned.zeros


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_life_is_right_on_every_board_at_90_percent_zeros(seed: int, tmp_path: Path) -> None:
    demo = _run("life", seed, tmp_path)
    _check_promises(demo, 2656)
    assert (demo.pruned.before.value, demo.pruned.after.value, demo.score.value) == (1, 1, 1)


@pytest.mark.soak
@pytest.mark.slow
@pytest.mark.parametrize("seed", range(5))
def test_digits_lose_at_most_half_a_point_at_90_percent_zeros(seed: int, tmp_path: Path) -> None:
    demo = _run("digits", seed, tmp_path)
    _check_promises(demo, 22800)
    assert demo.score.samples == 360
    assert demo.score.value >= demo.pruned.before.value - 0.005


@pytest.mark.soak
@pytest.mark.slow
def test_sine_stays_close_at_90_percent_zeros(tmp_path: Path) -> None:
    demo = _run("sine", 0, tmp_path)
    _check_promises(demo, 2400)
    assert demo.score.value < 0.002


@pytest.mark.parametrize("name", ["life", "digits", "sine"])
def test_demo_converts_to_operators_that_every_backend_has(name: str, tmp_path: Path) -> None:
    task = load_task(name)
    splits = task.load_data(np.random.default_rng(0))
    save_model(task.build_model(), tmp_path / "model.keras")
    assert set(convert(tmp_path / "model.keras", splits.train).summary.operators) <= OPERATORS
