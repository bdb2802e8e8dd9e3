"""Channels that are zero go, and what the network computes stays the same."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import nets
import numpy as np
import pytest
from commands import Tinykit
from hypothesis import given, settings
from hypothesis import strategies as st

from tinykit.core.errors import TinykitError
from tinykit.prune.channels import find_channels
from tinykit.prune.keras3 import prune_model
from tinykit.prune.masks import Scope
from tinykit.prune.recipe import RECIPES, Recipe
from tinykit.prune.shrink import count_channels, shrink
from tinykit.train.predict import predict

keras, layers = nets.keras, nets.layers
CHANNELS = replace(RECIPES["channels"], epochs=14, learning_rate=1e-2)


def residual() -> Any:
    """Build a net with everything that channels are followed through."""
    x = keras.Input((6, 6, 1))
    one = layers.Conv2D(8, 3, padding="same", activation="relu", name="one")(x)
    two = layers.Conv2D(8, 3, padding="same", use_bias=False, name="two")(one)
    two = layers.BatchNormalization()(two)
    both = layers.ReLU()(layers.Add()([one, two]))
    each = layers.DepthwiseConv2D(3, depth_multiplier=2, padding="same", activation="relu")(both)
    all_of_them = layers.Concatenate()([layers.Dropout(0.1)(each), layers.LeakyReLU()(both)])
    three = layers.Conv2D(6, 1, activation="relu", name="three")(all_of_them)
    up = layers.Conv2DTranspose(5, 2, strides=2, activation="tanh", name="up")(three)
    flat = layers.Flatten()(layers.MaxPooling2D()(up))
    hidden = layers.Dense(10, activation="relu", name="hidden")(flat)
    return keras.Model(x, layers.Dense(1, activation="sigmoid", name="out")(hidden))


def randomized(model: Any, seed: int) -> Any:
    rng = np.random.default_rng(seed)
    model.set_weights([rng.uniform(0.1, 1, v.shape) * rng.choice([-1, 1]) for v in model.weights])
    return model


@settings(max_examples=8, deadline=None)
@given(st.integers(0, 99), st.floats(0.1, 0.95), st.sampled_from(Scope))
def test_shrinking_changes_no_answer(seed: int, sparsity: float, scope: Scope) -> None:
    from tinykit.prune.choice import ChannelChoice

    model = randomized(residual(), seed)
    choice = ChannelChoice(model, Recipe(sparsity, scope))
    values = [variable.numpy() for variable in choice.variables]
    for variable, value, mask in zip(
        choice.variables, values, choice.masks(values, 1.0, 1.0), strict=True
    ):
        variable.assign(value * mask)
    smaller = shrink(model)
    assert count_channels(smaller) < count_channels(model)
    x = nets.images(20).x
    assert np.allclose(predict(smaller, x), predict(model, x), rtol=1e-4, atol=1e-5)


def test_prune_takes_the_share_of_channels_and_everything_they_need() -> None:
    model = residual()
    report = prune_model(model, nets.images(), nets.images(40), CHANNELS)
    smaller = shrink(model)
    # one and two are added, so their channels go together: 8, 6, 5 and 10 can go, 15 of 29 do
    free = sum(len(group) for group in find_channels(model).free().values())
    left = sum(len(group) for group in find_channels(smaller).free().values())
    assert (free, left) == (29, 14)
    assert report.zeros > report.weights / 2
    assert all(
        np.count_nonzero(layer.kernel) == layer.kernel.numpy().size
        for layer in smaller.layers
        if hasattr(layer, "kernel")
    )


def test_channels_of_excluded_layers_outputs_and_frozen_layers_stay() -> None:
    model = residual()
    model.get_layer("hidden").trainable = False
    channels = find_channels(model, lambda layer: "asked" if layer.name == "three" else "")
    reasons = [
        channels.fixed.get(int(channels.outputs[id(model.get_layer(name))][0]))
        for name in ("out", "up", "three", "one")
    ]
    taken = "hidden (Dense) takes all of them"
    assert reasons == ["its sigmoid of 0 is not 0", taken, "asked", None]


def test_what_takes_all_channels_is_named() -> None:
    x = keras.Input((6, 4))
    hidden = layers.Dense(8, activation="relu")(x)
    model = keras.Model(x, layers.Dense(2)(layers.LSTM(3, name="memory")(hidden)))
    with pytest.raises(TinykitError) as caught:
        prune_model(
            model,
            replace(nets.classes(), x=np.zeros((160, 6, 4), np.float32)),
            replace(nets.classes(40), x=np.zeros((40, 6, 4), np.float32)),
            CHANNELS,
        )
    assert caught.value.message == (
        "the model has no channel that can go (memory (LSTM) takes all of them; the model's output)"
    )
    assert caught.value.hint == "prune weights: --recipe gradual"


def test_subclassed_models_are_refused_by_name() -> None:
    with pytest.raises(TinykitError) as caught:
        prune_model(nets.subclassed(), nets.classes(), nets.classes(40), CHANNELS)
    assert caught.value.message == "Subclassed is subclassed, its channels cannot be followed"


def test_a_layer_that_is_called_twice_keeps_its_channels() -> None:
    x = keras.Input((4,))
    twice = layers.Dense(4, activation="relu", name="twice")
    model = keras.Model(x, layers.Dense(2)(twice(twice(x))))
    assert find_channels(model).free() == {}


def test_the_command_writes_a_smaller_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    model, data = nets.sequential(), nets.classes()
    model.save("m.keras")
    np.savez("d.npz", x=data.x, y=data.y)
    ended = Tinykit(capsys)(
        *"prune m.keras --data d.npz -o p.keras --recipe channels".split(),
        *"--epochs 17 --from-scratch --json".split(),
    )
    assert ended.status == 0, ended.err
    assert keras.saving.load_model("p.keras").layers[0].units == 4
