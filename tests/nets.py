"""Tiny Keras models and data for the tests of train/ and prune/."""

from typing import Any

import numpy as np

from tinykit.core.data import DataSet
from tinykit.train.backend import import_keras

keras = import_keras()
layers = keras.layers


@keras.saving.register_keras_serializable(package="tests")
class Subclassed(keras.Model):  # type: ignore[misc]
    def __init__(self, units: int = 8, **options: Any) -> None:
        super().__init__(**options)
        self.units = units
        self.hidden = layers.Dense(units, activation="relu")
        self.out = layers.Dense(2, activation="softmax")

    def call(self, x: Any) -> Any:
        return self.out(self.hidden(x))

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "units": self.units}


def sequential() -> Any:
    return keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(8, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )


def functional() -> Any:
    x = keras.Input((4,))
    hidden = layers.Dense(8, activation="relu")(x)
    skipped = layers.Concatenate()([x, hidden])
    return keras.Model(x, layers.Dense(2)(skipped))


def nested() -> Any:
    inner = keras.Sequential([keras.Input((4,)), layers.Dense(6, activation="relu")], name="inner")
    x = keras.Input((4,))
    return keras.Model(x, layers.Dense(2, activation="softmax")(inner(x)))


def subclassed() -> Any:
    model = Subclassed()
    model(np.zeros((1, 4), np.float32))
    return model


def image() -> Any:
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.SeparableConv2D(4, 3, padding="same"),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid"),
        ]
    )


def conv1d() -> Any:
    return keras.Sequential(
        [
            keras.Input((12, 3)),
            layers.Conv1D(8, 3, padding="same", activation="relu"),
            layers.Conv1D(8, 3, strides=2, activation="relu"),
            layers.GlobalAveragePooling1D(),
            layers.Dense(2, activation="softmax"),
        ]
    )


def attention() -> Any:
    x = keras.Input((6, 8))
    attended = layers.MultiHeadAttention(2, 4)(x, x)
    mixed = layers.LayerNormalization()(layers.Add()([x, attended]))
    pooled = layers.GlobalAveragePooling1D()(mixed)
    return keras.Model(x, layers.Dense(2, activation="softmax")(pooled))


def series(steps: int, channels: int, samples: int = 160) -> DataSet:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, steps, channels)).astype(np.float32)
    return DataSet(x, (x.mean(axis=(1, 2)) > 0).astype(np.int64))


def recurrent() -> Any:
    return keras.Sequential(
        [
            keras.Input((5,)),
            layers.Embedding(7, 4),
            layers.Bidirectional(layers.LSTM(3)),
            layers.Dense(1),
        ]
    )


def classes(samples: int = 160) -> DataSet:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 4)).astype(np.float32)
    return DataSet(x, (x[:, 0] + x[:, 1] > 0).astype(np.int64))


def images(samples: int = 160) -> DataSet:
    rng = np.random.default_rng(0)
    x = rng.normal(size=(samples, 6, 6, 1)).astype(np.float32)
    return DataSet(x, (x.mean(axis=(1, 2, 3)) > 0).astype(np.int64))


def sequences(samples: int = 160) -> DataSet:
    rng = np.random.default_rng(0)
    x = rng.integers(0, 7, (samples, 5)).astype(np.float32)
    return DataSet(x, x.mean(axis=1, keepdims=True))
