"""Take channels that are zero out of a Keras model; what it computes stays the same."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.prune.channels import Channels, find_channels
from tinykit.train.backend import import_keras


def shrink(model: Any) -> Any:
    """Return a copy of a functional or sequential model without its channels that are zero.

    A channel is, if all weights that make it are. Every layer keeps at least one.

    Raises:
        TinykitError: the model is subclassed.
    """
    keras = import_keras()
    channels = find_channels(model)
    gone = _gone(channels)

    def clone(layer: Any) -> Any:
        config = layer.get_config()
        if id(layer) in channels.outputs:
            numbers = channels.roots(channels.outputs[id(layer)])
            size = "units" if "units" in config else "filters"
            config[size] = int(np.isin(numbers, gone, invert=True).sum())
        return type(layer).from_config(config)

    smaller = keras.models.clone_model(model, clone_function=clone)
    for old, new in zip(model.layers, smaller.layers, strict=True):
        new.set_weights([_cut(channels, variable, gone) for variable in old.weights])
        new.trainable = old.trainable
    return smaller


def count_channels(model: Any) -> int:
    """Return how many channels the layers of a functional or sequential model make."""
    return sum(len(numbers) for numbers in find_channels(model).outputs.values())


def _gone(channels: Channels) -> NDArray[np.int64]:
    """Return the channels that go, one for all that are tied."""
    alive: set[int] = set()
    for each in channels.slices:
        if each.role in ("kernel", "offset"):
            rows = np.moveaxis(each.variable.numpy(), each.axis, 0).reshape(len(each.numbers), -1)
            alive |= set(channels.roots(each.numbers[rows.any(axis=1)]).tolist())
    gone = []
    for group in channels.free().values():
        dead = [number for number in group if number not in alive]
        gone += dead if len(dead) < len(group) else dead[1:]
    return np.array(gone, np.int64)


def _cut(channels: Channels, variable: Any, gone: NDArray[np.int64]) -> NDArray[np.float32]:
    values: NDArray[np.float32] = variable.numpy()
    for each in channels.slices:
        if each.variable is variable:
            stays = np.isin(channels.roots(each.numbers), gone, invert=True)
            values = np.compress(stays, values, axis=each.axis)
    return values
