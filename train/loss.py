"""Choose the loss of a model that names none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.core.score import Kind, are_probabilities, kind_of
from tinykit.train.predict import predict

PROBE_SAMPLES = 256


def choose_loss(model: Any, data: DataSet) -> Any:
    """Return the loss that the model's outputs on `data` and the labels call for.

    Class labels call for sparse categorical crossentropy, 0/1 decisions for binary crossentropy,
    targets for the mean squared error. Outputs that are no probabilities count as logits.
    """
    import keras

    outputs = predict(model, data.x[:PROBE_SAMPLES])
    assert data.y is not None
    kind = kind_of((len(data), *outputs.shape[1:]), data.y)
    if kind is Kind.NUMBERS:
        return keras.losses.MeanSquaredError()
    if kind is Kind.CLASSES:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=not _sums_to_one(outputs))
    return keras.losses.BinaryCrossentropy(from_logits=not are_probabilities(outputs))


def shaped_labels(outputs: tuple[int, ...], y: NDArray[np.generic]) -> NDArray[np.generic]:
    """Give labels the outputs' shape where each output has its own, as losses want them."""
    kind = kind_of((len(y), *outputs), y)
    if kind is Kind.CLASSES:
        return y.reshape(len(y))
    return y.reshape(len(y), *outputs).astype(np.float32)


def _sums_to_one(outputs: NDArray[np.float32]) -> bool:
    sums = outputs.reshape(len(outputs), -1).sum(axis=1)
    return are_probabilities(outputs) and bool(np.allclose(sums, 1, atol=1e-3))
