"""Let the dense network teach the one that it is pruned to (Hinton et al., 2015)."""

from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.core.score import Kind, kind_of
from tinykit.train.loss import is_distribution
from tinykit.train.predict import predict


def taught(model: Any, data: DataSet, teacher_share: float) -> DataSet:
    """Return the data with what the model says now mixed into the labels.

    Args:
        model: the dense network, a classifier that ends in a softmax.
        data: samples and their class labels.
        teacher_share: how much the model counts for against the labels (above 0, at most 1).

    Raises:
        TinykitError: the model is no classifier.
    """
    outputs = predict(model, data.x)
    assert data.y is not None
    kind = kind_of(outputs.shape, data.y)
    if kind not in (Kind.CLASSES, Kind.ONE_HOT) or not is_distribution(outputs):
        raise TinykitError(
            f"a teacher share of {teacher_share:g} needs a classifier that ends in a softmax",
            "leave the teacher out",
        )
    wanted = data.y
    if kind is Kind.CLASSES:
        wanted = np.eye(outputs.shape[-1])[data.y.reshape(-1)]
    mixed = teacher_share * _softened(outputs) + (1 - teacher_share) * wanted.astype(np.float64)
    return replace(data, y=mixed.astype(np.float32))


def _softened(outputs: NDArray[np.float32]) -> NDArray[np.float64]:
    """Take a softmax's outputs to temperature 2, where they tell likely mistakes apart."""
    roots = np.sqrt(outputs.astype(np.float64))
    shares: NDArray[np.float64] = roots / roots.sum(axis=-1, keepdims=True)
    return shares
