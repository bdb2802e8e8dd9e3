"""Task: the sine of an angle, a regression small enough to look at."""

from typing import Any

import numpy as np

from tinykit.core.data import DataSet
from tinykit.train.splits import Splits

EPOCHS = 60
BATCH_SIZE = 64
LEARNING_RATE = 1e-2
SPARSITY = 0.9
PRUNE_EPOCHS = 60
PRUNE_LEARNING_RATE = 5e-3

UNITS = 48
TRAIN_SAMPLES = 2048
VALIDATION_SAMPLES = 256
TEST_SAMPLES = 256


def build_model() -> Any:
    """Build a network of two hidden layers from an angle in [0, 2 pi] to its sine."""
    import keras

    # Without biases to begin with, every unit bends at 0, where the range begins.
    spread = keras.initializers.RandomUniform(-1, 1)
    return keras.Sequential(
        [
            keras.Input((1,), name="angle"),
            keras.layers.Dense(UNITS, activation="relu", bias_initializer=spread, name="bends"),
            keras.layers.Dense(UNITS, activation="relu", name="curves"),
            keras.layers.Dense(1, name="sine"),
        ],
        name="sine",
    )


def load_data(rng: np.random.Generator) -> Splits:
    """Draw angles at random for training; the test angles are evenly spaced."""
    spaced = np.linspace(0, 2 * np.pi, TEST_SAMPLES)
    return Splits(
        _data(rng.uniform(0, 2 * np.pi, TRAIN_SAMPLES)),
        _data(rng.uniform(0, 2 * np.pi, VALIDATION_SAMPLES)),
        _data(spaced),
    )


def _data(angles: np.ndarray[tuple[int], np.dtype[np.float64]]) -> DataSet:
    x = angles.astype(np.float32).reshape(-1, 1)
    return DataSet(x, np.sin(x).astype(np.float32))
