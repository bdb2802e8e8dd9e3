"""Task: handwritten digits by a network four times as large as that of the task `digits`."""

from typing import Any

import numpy as np

from tinykit.train import digits
from tinykit.train.splits import Splits

EPOCHS = 8
BATCH_SIZE = digits.BATCH_SIZE
LEARNING_RATE = digits.LEARNING_RATE
LABELS = digits.LABELS
SPARSITY = 0.955
PRUNE_EPOCHS = digits.PRUNE_EPOCHS
PRUNE_LEARNING_RATE = digits.PRUNE_LEARNING_RATE
TEACHER_SHARE = digits.TEACHER_SHARE


def build_model() -> Any:
    """Build the network of 89 930 weights and biases."""
    import keras

    layers = keras.layers
    return keras.Sequential(
        [
            keras.Input((8, 8, 1), name="image"),
            layers.Conv2D(32, 3, padding="same", activation="relu", name="strokes"),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="corners"),
            layers.MaxPooling2D(name="halve"),
            layers.Conv2D(64, 3, padding="same", activation="relu", name="parts"),
            layers.MaxPooling2D(name="quarter"),
            layers.Flatten(name="flat"),
            layers.Dense(128, activation="relu", name="hidden"),
            layers.Dense(10, activation="softmax", name="digit"),
        ],
        name="digits_large",
    )


def load_data(rng: np.random.Generator) -> Splits:
    """Load the images as `digits` does."""
    return digits.load_data(rng)
