from pathlib import Path

import nets
import numpy as np
import pytest

from tinykit.core.errors import TinykitError
from tinykit.core.score import Metric
from tinykit.train.fit import fit_task
from tinykit.train.loss import choose_loss
from tinykit.train.splits import hold_out
from tinykit.train.task import load_task

TASK = """
import keras
import numpy as np

EPOCHS = 12
LEARNING_RATE = 0.1
INPUTS = 3


def build_model():
    return keras.Sequential([keras.Input((INPUTS,)), keras.layers.Dense(2)])


def load_data(rng):
    x = rng.normal(size=(200, 3))
    y = (x.sum(axis=1) > 0).astype(int)
    return {"train": (x, y), "test": (x[:50], y[:50])}
"""


def _task_file(folder: Path, text: str) -> str:
    path = folder / "mine.py"
    path.write_text(text)
    return str(path)


def test_fit_trains_a_users_task_and_reports(tmp_path: Path) -> None:
    told: list[float] = []
    task = load_task(_task_file(tmp_path, TASK))
    model, splits, report = fit_task(task, 0, lambda stage, done, text: told.append(done))
    assert report.test.metric is Metric.ACCURACY
    assert report.test.value > 0.9
    assert (report.weights, report.samples_seen) == (8, 12 * len(splits.train))
    assert report.cost.forward_macs == report.samples_seen * 6
    assert report.cost.backward_macs == report.cost.forward_effective == report.samples_seen * 6
    assert told == [(epoch + 1) / 12 for epoch in range(12)]
    again, _, _ = fit_task(task, 0)
    for one, other in zip(model.get_weights(), again.get_weights(), strict=True):
        assert np.array_equal(one, other)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            "INPUTS = 3",
            "INPUTS = 5",
            "PATH: a sample of x has shape (3,), the model's input has shape (5,)",
        ),
        (
            "(x.sum(axis=1) > 0).astype(int)",
            "np.full(200, 9)",
            "y has labels from 9 to 9, the model tells apart 0 to 1",
        ),
    ],
)
def test_fit_refuses_data_that_fits_no_model(
    tmp_path: Path, old: str, new: str, message: str
) -> None:
    path = _task_file(tmp_path, TASK.replace(old, new))
    with pytest.raises(TinykitError) as caught:
        fit_task(load_task(path))
    assert (caught.value.message, caught.value.exit_status) == (message.replace("PATH", path), 2)


def test_fit_refuses_a_loss_that_does_not_exist(tmp_path: Path) -> None:
    path = _task_file(tmp_path, TASK + "\nLOSS = 'nonsense'\n")
    with pytest.raises(TinykitError) as caught:
        fit_task(load_task(path))
    assert caught.value.message.startswith(f"{path}: the loss nonsense does not fit outputs of")


def test_loss_follows_from_outputs_and_labels() -> None:
    keras, layers = nets.keras, nets.layers
    logits = keras.Sequential([keras.Input((4,)), layers.Dense(2)])
    chosen = choose_loss(logits, nets.classes())
    assert isinstance(chosen, keras.losses.SparseCategoricalCrossentropy)
    assert chosen.get_config()["from_logits"] is True
    chosen = choose_loss(nets.sequential(), nets.classes())
    assert chosen.get_config()["from_logits"] is False
    assert isinstance(choose_loss(nets.image(), nets.images()), keras.losses.BinaryCrossentropy)
    assert isinstance(
        choose_loss(nets.recurrent(), nets.sequences()), keras.losses.MeanSquaredError
    )


def test_hold_out_loses_no_sample_and_doubles_none() -> None:
    data = nets.classes(21)
    kept, held = hold_out(data, np.random.default_rng(0), 0.2)
    assert (len(kept), len(held)) == (16, 5)
    together = np.concatenate([kept.x, held.x])
    assert np.array_equal(np.sort(together, axis=0), np.sort(data.x, axis=0))


def test_hold_out_refuses_to_take_everything() -> None:
    with pytest.raises(TinykitError) as caught:
        hold_out(nets.classes(1), np.random.default_rng(0))
    assert caught.value.message == "1 samples are too few to hold 1 of them out"
