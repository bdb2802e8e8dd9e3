"""Fit a task's network to its training split."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.core.score import Score, kind_of
from tinykit.train.backend import import_keras
from tinykit.train.loss import choose_loss, refuse_misfit_loss, shaped_labels
from tinykit.train.meter import Meter, TrainingCost, metering
from tinykit.train.predict import evaluate, predict
from tinykit.train.progress import Progress, no_progress
from tinykit.train.splits import Splits
from tinykit.train.task import Task, load_task

AfterEpoch = Callable[[Any, int], bool]


@dataclass(frozen=True, slots=True)
class Fitting:
    """Hold how weights are fitted: Adam, its rate falling along a cosine to zero."""

    stage: str
    epochs: int
    batch_size: int
    learning_rate: float
    loss: Any


@dataclass(frozen=True, slots=True)
class FitReport:
    """Hold how well a network was fitted.

    Attributes:
        validation, test: the scores.
        weights: weights and biases.
        epochs: how many it was trained for.
        samples_seen: in all of them.
        cost: what they took, with those of a task that it began with.
    """

    validation: Score
    test: Score
    weights: int
    epochs: int
    samples_seen: int
    cost: TrainingCost


def fit_task(
    task: Task,
    seed: int = 0,
    progress: Progress = no_progress,
    after_epoch: AfterEpoch | None = None,
) -> tuple[Any, Splits, FitReport]:
    """Build and train a task's network.

    Args:
        task: what to train.
        seed: decides the weights, the samples and their order.
        progress: is told how far it is.
        after_epoch: is given the model, and how many epochs are done; training stops if it returns
            True.

    Returns:
        The fitted Keras model, the splits it was fitted and scored on, and the report.
    """
    keras = import_keras()
    splits = task.load_data(np.random.default_rng(seed))
    keras.utils.set_random_seed(seed)
    model = task.build_model()
    refuse_misfit(model, splits.train, task.where)
    settings = task.settings
    loss = settings.loss or choose_loss(model, splits.train)
    refuse_misfit_loss(loss, model, splits.train, task.where)
    fitting = Fitting("train", settings.epochs, settings.batch_size, settings.learning_rate, loss)
    cost, epochs = TrainingCost(), 0
    if settings.begins_with:
        earlier, _, first = fit_task(load_task(settings.begins_with), seed, progress)
        task.begin_from(model, earlier)
        cost = first.cost

    def count(model: Any, epoch: int) -> bool:
        nonlocal epochs
        epochs = epoch
        return after_epoch is not None and after_epoch(model, epoch)

    if settings.epochs:
        cost += fit(model, splits.train, fitting, progress, [_epoch_callback(count)])
    settle(model, loss)
    report = FitReport(
        evaluate(model, splits.validation),
        evaluate(model, splits.test),
        int(model.count_params()),
        epochs,
        epochs * len(splits.train),
        cost,
    )
    return model, splits, report


def fit(
    model: Any,
    train: DataSet,
    fitting: Fitting,
    progress: Progress,
    callbacks: list[Any],
) -> TrainingCost:
    """Fit the model's weights in place, and return what that took."""
    import keras

    steps = fitting.epochs * steps_per_epoch(train, fitting)
    rate = keras.optimizers.schedules.CosineDecay(fitting.learning_rate, steps)
    # XLA compiles longer than nets of this size train.
    model.compile(keras.optimizers.Adam(rate), fitting.loss, jit_compile=False)
    assert train.y is not None
    output_shape = predict(model, train.x[:1]).shape[1:]
    meter = Meter(model)
    count = metering(meter, len(train), fitting.batch_size)
    model.fit(
        train.x,
        shaped_labels(output_shape, train.y),
        batch_size=fitting.batch_size,
        epochs=fitting.epochs,
        verbose=0,
        callbacks=[*callbacks, count, _progress_callback(fitting, progress)],
    )
    return meter.cost


def settle(model: Any, loss: Any) -> None:
    """Compile a fitted model with its own loss and without Adam's state, ready to be saved.

    Adam's moments would treble the size of the file.
    """
    model.compile("sgd", loss, jit_compile=False)


def steps_per_epoch(train: DataSet, fitting: Fitting) -> int:
    """Return how many batches one pass over the training split takes."""
    return -(-len(train) // fitting.batch_size)


def refuse_misfit(model: Any, data: DataSet, where: str) -> None:
    """Refuse data that the model cannot be trained on.

    Raises:
        TinykitError: with both shapes.
    """
    refuse_wrong_samples(model, data, where)
    if data.y is None:
        raise TinykitError(
            f"{where} has no array 'y'", "training needs labels or targets, save them as y"
        )
    kind_of((len(data), *predict(model, data.x[:1]).shape[1:]), data.y)


def refuse_wrong_samples(model: Any, data: DataSet, where: str) -> None:
    """Refuse data whose samples are not what the model takes.

    Raises:
        TinykitError: with both shapes.
    """
    if data.x.dtype != np.float32:
        raise TinykitError(
            f"{where} has x as {data.x.dtype}, a Keras model takes float32",
            "save x as float32, before quantization",
        )
    given = data.x.shape[1:]
    for tensor in getattr(model, "inputs", None) or ():  # a subclassed model may know no shape
        wanted = tuple(tensor.shape[1:])
        if not _takes(wanted, given):
            raise TinykitError(
                f"{where}: a sample of x has shape {given}, the model's input has shape {wanted}",
                "save x as (samples, ...) in the model's own shape",
            )
    try:
        predict(model, data.x[:1])
    except Exception as error:
        text = " ".join(str(error).split())[:160]
        raise TinykitError(
            f"{where}: the model does not take a sample of shape {given}: {text}",
            "the model takes one array and gives one; save x as (samples, ...) in its shape",
        ) from error


def _takes(wanted: tuple[int | None, ...], given: tuple[int, ...]) -> bool:
    return len(wanted) == len(given) and all(
        size in (None, there) for size, there in zip(wanted, given, strict=True)
    )


def _progress_callback(fitting: Fitting, progress: Progress) -> Any:
    import keras

    class Report(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
            text = f"loss {logs['loss']:.3g}" if logs else ""
            progress(fitting.stage, (epoch + 1) / fitting.epochs, text)

    return Report()


def _epoch_callback(after_epoch: AfterEpoch) -> Any:
    import keras

    class Tell(keras.callbacks.Callback):  # type: ignore[misc]
        def on_epoch_end(self, epoch: int, logs: object = None) -> None:  # noqa: ARG002
            if after_epoch(self.model, epoch + 1):
                self.model.stop_training = True

    return Tell()
