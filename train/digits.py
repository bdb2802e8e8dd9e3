"""Task: handwritten digits of 8 by 8 pixels, the data set that ships with scikit-learn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.core.errors import MissingToolError
from tinykit.train.backend import INSTALL
from tinykit.train.splits import Splits

EPOCHS = 30
BATCH_SIZE = 32
LEARNING_RATE = 2e-3
LABELS = tuple(str(digit) for digit in range(10))
SPARSITY = 0.9
PRUNE_EPOCHS = 40
PRUNE_LEARNING_RATE = 2e-3

EVERY = 5  # of five samples one is for the test, one for validation
BRIGHTEST = 16.0


def build_model() -> Any:
    """Build the network of 22 954 weights that every figure on digits is measured with."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(16, 3, padding="same", activation="relu", name="strokes"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="corners"),
            layers.MaxPooling2D(name="halve"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="parts"),
            layers.MaxPooling2D(name="quarter"),
            layers.Flatten(name="flat"),
            layers.Dense(64, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits",
    )


def load_data() -> Splits:
    """Load the 1,797 images; every split has some of every stretch, so of every writer."""
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise MissingToolError(f"{error.name} is not installed", INSTALL) from error
    bunch = load_digits()
    x = (bunch.images[..., np.newaxis] / BRIGHTEST).astype(np.float32)
    y = bunch.target.astype(np.int64)
    place = np.arange(len(x)) % EVERY
    return Splits(
        _data(x, y, place >= 2), _data(x, y, place == 1), _data(x, y, place == 0)
    )


def _data(x: NDArray[np.float32], y: NDArray[np.int64], chosen: NDArray[np.bool_]) -> DataSet:
    return DataSet(x[chosen], y[chosen], LABELS)
