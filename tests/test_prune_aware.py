"""Fine-tuning that rounds as int8 will: on the grid within a step, and zeros stay zeros."""

from dataclasses import replace
from typing import Any

import nets
import numpy as np
import pytest

from tinykit.core.errors import TinykitError
from tinykit.prune.aware import aware, rounded_weights
from tinykit.prune.keras3 import prune_model
from tinykit.prune.kernels import find_kernels
from tinykit.prune.masks import zeros_wanted
from tinykit.prune.recipe import RECIPES, Recipe
from tinykit.train.predict import predict

keras, layers = nets.keras, nets.layers
AWARE = replace(RECIPES["aware"], sparsity=0.5, epochs=14, learning_rate=1e-2)


def test_weights_are_rounded_to_127_steps_an_output() -> None:
    conv = keras.Sequential([keras.Input((5, 5, 2)), layers.Conv2D(3, 3)])
    (kernel,) = find_kernels(conv).kernels
    values = kernel.variable.numpy()
    values[..., 1] = 0
    rounded = rounded_weights(kernel, values)
    scale = np.abs(values).max(axis=(0, 1, 2)) / 127
    assert np.all(np.abs(rounded - values) <= scale / 2 + 1e-7)
    codes = rounded[..., ::2] / scale[::2]
    assert np.allclose(codes, np.round(codes), atol=1e-3)
    assert np.array_equal(rounded == 0, np.abs(values) <= scale / 2)


def test_activations_take_256_values_inside_the_block_only() -> None:
    data = nets.classes(1000)
    model = nets.sequential()
    hidden = keras.Model(model.inputs[0], model.layers[0].output)
    with aware(model, data.x):
        inside = predict(hidden, data.x)
    outside = predict(hidden, data.x)
    assert len(np.unique(inside)) <= 256 < len(np.unique(outside))
    assert np.abs(inside - outside).max() <= outside.max() / 255
    assert "call" not in vars(model.layers[0])


@pytest.mark.parametrize(
    ("build", "data"),
    [
        (nets.sequential, nets.classes),
        (nets.subclassed, nets.classes),
        (nets.image, nets.images),
        (nets.recurrent, nets.sequences),
    ],
)
def test_aware_fine_tuning_keeps_zeros_and_real_weights(build: Any, data: Any) -> None:
    model = build()
    report = prune_model(model, data(), data(40), AWARE)
    assert report.zeros == zeros_wanted(report.weights, 0.5)
    kernel = find_kernels(model).kernels[0]
    values = kernel.variable.numpy()
    assert not np.array_equal(values, rounded_weights(kernel, values)), "it was left rounded"


def test_steps_are_computed_with_rounded_weights() -> None:
    seen = []

    class Watched(nets.Subclassed):
        def train_step(self, data: Any) -> Any:
            seen.append(float(keras.ops.sum(keras.ops.abs(self.hidden.kernel))))
            return super().train_step(data)

    model = Watched()
    model(np.zeros((1, 4), np.float32))
    model.compile("sgd", "sparse_categorical_crossentropy", run_eagerly=True)
    kernel = find_kernels(model).kernels[0]
    values = kernel.variable.numpy()
    data = nets.classes(32)
    with aware(model, data.x) as callback:
        model.fit(data.x, data.y, batch_size=32, verbose=0, callbacks=[callback])
    assert seen == [pytest.approx(float(np.abs(rounded_weights(kernel, values)).sum()), rel=1e-6)]


def test_epochs_below_zero_are_refused() -> None:
    with pytest.raises(TinykitError) as caught:
        prune_model(nets.sequential(), nets.classes(), nets.classes(), Recipe(aware_epochs=-1))
    assert caught.value.message == "-1 epochs aware of int8"
