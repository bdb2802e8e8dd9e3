"""Task: handwritten digits of 8 by 8 pixels, the data set that ships with scikit-learn."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.core.errors import MissingToolError
from tinykit.train.backend import INSTALL
from tinykit.train.splits import Splits

EPOCHS = 8
BATCH_SIZE = 64
LEARNING_RATE = 3e-3
LABELS = tuple(str(digit) for digit in range(10))
SPARSITY = 0.9
PRUNE_EPOCHS = 24
PRUNE_LEARNING_RATE = 3e-3
TEACHER_SHARE = 0.7

EVERY = 5  # of five samples one is for the test, one for validation
BRIGHTEST = 16.0
VARIANTS = 11  # of each training image, written a little differently
TURN_RAD, SLANT, STRETCH, SHIFT_PIXELS = 0.2, 0.15, 0.1, 0.6  # at most, either way


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


def load_data(rng: np.random.Generator) -> Splits:
    """Load the 1 797 images, which every fifth time go to the test split whatever the seed."""
    return load_fold(0, rng)


def load_fold(fold: int, rng: np.random.Generator) -> Splits:
    """Load one of five splits, each of which tests on other images.

    The images lie in the order of their writers, so each split has some of each writer. To the
    training images variants are added, since 1 077 are few.
    """
    try:
        from sklearn.datasets import load_digits
    except ModuleNotFoundError as error:
        raise MissingToolError(f"{error.name} is not installed", INSTALL) from error
    bunch = load_digits()
    x = (bunch.images[..., np.newaxis] / BRIGHTEST).astype(np.float32)
    y = bunch.target.astype(np.int64)
    place = (np.arange(len(x)) - fold) % EVERY
    images = x[place >= 2]
    many = np.concatenate([images, *(_varied(images, rng) for _ in range(VARIANTS))])
    return Splits(
        DataSet(many, np.tile(y[place >= 2], VARIANTS + 1), LABELS),
        DataSet(x[place == 1], y[place == 1], LABELS),
        DataSet(x[place == 0], y[place == 0], LABELS),
    )


def _varied(images: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """Turn, slant, stretch and shift each image at random."""
    from scipy.ndimage import affine_transform  # type: ignore[import-untyped]

    varied = np.empty_like(images)
    middle = np.array(images.shape[1:3]) / 2 - 0.5
    for index, image in enumerate(images):
        matrix = _random_matrix(rng)
        moved = middle + rng.uniform(-SHIFT_PIXELS, SHIFT_PIXELS, 2)
        varied[index, ..., 0] = affine_transform(
            image[..., 0], matrix, middle - matrix @ moved, order=1
        )
    return varied


def _random_matrix(rng: np.random.Generator) -> NDArray[np.float64]:
    angle = rng.uniform(-TURN_RAD, TURN_RAD)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    down, right = rng.uniform(1 - STRETCH, 1 + STRETCH, 2)
    stretch = np.array([[down, rng.uniform(-SLANT, SLANT)], [0, right]])
    product: NDArray[np.float64] = turn @ stretch
    return product
