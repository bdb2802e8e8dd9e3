"""Run a Keras model over samples, and score it."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.core.score import Score, score_outputs

BATCH_SAMPLES = 256


def predict(model: Any, x: NDArray[np.generic]) -> NDArray[np.float32]:
    """Return the model's outputs, float32 (n, ...)."""
    batches = [x[start : start + BATCH_SAMPLES] for start in range(0, len(x), BATCH_SAMPLES)]
    outputs = [np.asarray(model(batch, training=False), np.float32) for batch in batches]
    return np.concatenate(outputs)


def evaluate(model: Any, data: DataSet) -> Score:
    """Score the model's outputs on a split."""
    if data.y is None:
        raise TinykitError(
            "the data has no y, so nothing can be scored", "save labels or targets as y"
        )
    return score_outputs(predict(model, data.x), data.y)
