"""Choose the loss of a model that names none."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
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
    logits = not is_distribution(outputs)
    if kind is Kind.CLASSES:
        return keras.losses.SparseCategoricalCrossentropy(from_logits=logits)
    if kind is Kind.ONE_HOT:
        return keras.losses.CategoricalCrossentropy(from_logits=logits)
    return keras.losses.BinaryCrossentropy(from_logits=not are_probabilities(outputs))


def refuse_misfit_loss(loss: Any, model: Any, data: DataSet, where: str) -> None:
    """Refuse a loss that cannot be computed from the model's outputs and the labels."""
    import keras

    outputs = predict(model, data.x[:1])
    assert data.y is not None
    labels = shaped_labels(outputs.shape[1:], data.y[:1])
    try:
        keras.losses.get(loss)(labels, outputs)
    except Exception as error:
        text = " ".join(str(error).split())[:160]
        name = loss if isinstance(loss, str) else getattr(loss, "name", type(loss).__name__)
        raise TinykitError(
            f"{where}: the loss {name} does not fit outputs of shape {outputs.shape} and labels of "
            f"shape {labels.shape}: {text}",
            "leave the loss out, then it follows from the outputs and the labels",
        ) from error


def shaped_labels(outputs: tuple[int, ...], y: NDArray[np.generic]) -> NDArray[np.generic]:
    """Give labels the outputs' shape where each output has its own, as losses want them."""
    kind = kind_of((len(y), *outputs), y)
    if kind is Kind.CLASSES:
        return y.reshape(len(y))
    return y.reshape(len(y), *outputs).astype(np.float32)


def is_distribution(outputs: NDArray[np.float32]) -> bool:
    """Say whether each sample's outputs are shares of one, as a softmax's are."""
    sums = outputs.reshape(len(outputs), -1).sum(axis=1)
    return are_probabilities(outputs) and bool(np.allclose(sums, 1, atol=1e-3))
