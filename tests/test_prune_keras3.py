from collections.abc import Callable
from dataclasses import replace
from typing import Any

import nets
import numpy as np
import pytest

from tinykit.core.data import DataSet
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.core.score import Metric
from tinykit.prune.distill import taught
from tinykit.prune.keras3 import prune_model
from tinykit.prune.masks import Scope, zeros_wanted
from tinykit.prune.recipe import Recipe
from tinykit.train.predict import predict

RECIPE = Recipe(sparsity=0.75, epochs=14, batch_size=32, learning_rate=1e-2)
keras = nets.keras


@pytest.mark.parametrize(
    ("build", "scope"),
    [
        (nets.sequential, Scope.LAYER),
        (nets.functional, Scope.GLOBAL),
        (nets.nested, Scope.GLOBAL),
        (nets.subclassed, Scope.GLOBAL),
    ],
)
def test_prune_reaches_exactly_the_zeros_it_was_asked_for(
    build: Callable[[], Any], scope: Scope
) -> None:
    model = build()
    report = prune_model(model, nets.classes(), nets.classes(40), replace(RECIPE, scope=scope))
    kernels = [weight for weight in model.weights if len(weight.shape) == 2]
    zeros = [int((kernel.numpy() == 0).sum()) for kernel in kernels]
    assert [layer.zeros for layer in report.layers] == zeros
    if scope is Scope.GLOBAL:
        assert sum(zeros) == zeros_wanted(report.weights, 0.75)
    else:
        assert zeros == [zeros_wanted(layer.weights, 0.75) for layer in report.layers]
    assert report.after.metric is Metric.ACCURACY
    assert report.left_dense == ()


def test_prune_learns_on_while_it_prunes() -> None:
    keras.utils.set_random_seed(3)
    recipe = replace(RECIPE, sparsity=0.5, epochs=30)
    report = prune_model(nets.sequential(), nets.classes(), nets.classes(40), recipe)
    assert report.after.value >= 0.9
    assert report.after.better_than(report.before)


def test_prune_leaves_biases_normalization_and_depthwise_kernels() -> None:
    model = nets.image()
    report = prune_model(model, nets.images(), nets.images(40), RECIPE)
    assert [layer.weights for layer in report.layers] == [36, 16, 64]
    assert [entry.reason for entry in report.left_dense] == [
        "depthwise (few weights, each used by one channel)",
        "depthwise (few weights, each used by one channel)",
    ]


def test_prune_thins_recurrent_kernels_and_names_the_embedding() -> None:
    report = prune_model(nets.recurrent(), nets.sequences(), nets.sequences(40), RECIPE)
    assert len(report.layers) == 5
    assert [entry.reason for entry in report.left_dense] == ["not a kernel but 'embeddings'"]
    assert report.after.metric is Metric.MEAN_SQUARED_ERROR
    assert report.zeros == zeros_wanted(report.weights, 0.75)


def test_prune_leaves_frozen_layers() -> None:
    model = nets.sequential()
    model.layers[0].trainable = False
    report = prune_model(model, nets.classes(), nets.classes(40), RECIPE)
    assert [layer.weights for layer in report.layers] == [16]
    assert [entry.reason for entry in report.left_dense] == ["frozen (trainable is False)"]


def test_prune_keeps_a_constraint_of_the_users() -> None:
    model = keras.Sequential(
        [keras.Input((4,)), nets.layers.Dense(2, kernel_constraint=keras.constraints.NonNeg())]
    )
    prune_model(model, nets.classes(), nets.classes(40), RECIPE)
    kernel = model.layers[0].kernel
    assert kernel.numpy().min() >= 0
    assert isinstance(kernel.constraint, keras.constraints.NonNeg)


def test_prune_uses_the_loss_a_model_was_compiled_with() -> None:
    model = nets.sequential()
    seen = []

    @keras.saving.register_keras_serializable(package="tests")
    def loss(y: Any, outputs: Any) -> Any:
        seen.append(outputs)
        return keras.losses.sparse_categorical_crossentropy(y, outputs)

    model.compile("adam", loss)
    prune_model(model, nets.classes(), nets.classes(40), RECIPE)
    assert seen


def test_prune_twice_with_one_seed_gives_the_same_weights() -> None:
    keras.utils.set_random_seed(0)
    first = nets.image()
    second = keras.models.clone_model(first)
    second.set_weights(first.get_weights())
    for model in (first, second):
        prune_model(model, nets.images(), nets.images(40), RECIPE, seed=5)
    for one, other in zip(first.get_weights(), second.get_weights(), strict=True):
        assert np.array_equal(one, other)


def test_prune_goes_on_from_the_zeros_of_an_earlier_run() -> None:
    model = nets.sequential()
    prune_model(model, nets.classes(), nets.classes(40), replace(RECIPE, sparsity=0.5))
    before = [kernel.numpy() == 0 for kernel in model.weights[::2]]
    report = prune_model(model, nets.classes(), nets.classes(40), RECIPE)
    after = [kernel.numpy() == 0 for kernel in model.weights[::2]]
    assert report.zeros == zeros_wanted(report.weights, 0.75)
    assert all(np.all(then[now]) for then, now in zip(after, before, strict=True))


def test_prune_mixes_the_dense_networks_answers_into_the_labels() -> None:
    model, data = nets.sequential(), nets.classes()
    said = predict(model, data.x)
    mixed = taught(model, data, 0.5)
    assert mixed.y is not None and data.y is not None
    own = mixed.y - 0.5 * np.eye(2)[data.y]
    assert np.allclose(mixed.y.sum(axis=1), 1)
    assert np.array_equal(own[:, 1] > own[:, 0], said[:, 1] > said[:, 0])
    report = prune_model(model, data, nets.classes(40), replace(RECIPE, teacher_share=0.5))
    assert report.zeros == zeros_wanted(report.weights, 0.75)


def test_prune_tells_its_progress() -> None:
    told: list[tuple[str, float, str]] = []
    prune_model(
        nets.sequential(),
        nets.classes(),
        nets.classes(40),
        RECIPE,
        progress=lambda stage, done, text: told.append((stage, done, text)),
    )
    assert [done for _, done, _ in told] == [(epoch + 1) / 14 for epoch in range(14)]
    assert told[-1][0] == "prune" and told[-1][2].startswith("loss ")


def test_prune_finds_a_train_step_that_revives_zeros() -> None:
    class Stubborn(nets.Subclassed):
        def train_step(self, data: Any) -> Any:
            logs = super().train_step(data)
            self.hidden.kernel.assign(self.hidden.kernel + 1.0)
            return logs

    model = Stubborn()
    model(np.zeros((1, 4), np.float32))
    with pytest.raises(CheckFailedError) as caught:
        prune_model(model, nets.classes(), nets.classes(40), RECIPE)
    assert "pruned weights are not zero after fine-tuning" in caught.value.message
    assert caught.value.exit_status == 1


def test_prune_interrupted_gives_constraints_back() -> None:
    model = nets.sequential()

    def interrupt(stage: str, done: float, text: str) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        prune_model(model, nets.classes(), nets.classes(40), RECIPE, progress=interrupt)
    assert all(weight.constraint is None for weight in model.weights)


GOOD = nets.classes()


@pytest.mark.parametrize(
    ("data", "recipe", "message"),
    [
        (replace(GOOD, y=None), RECIPE, "the data has no array 'y'"),
        (
            replace(GOOD, x=GOOD.x[:, :3]),
            RECIPE,
            "the data: a sample of x has shape (3,), the model's input has shape (4,)",
        ),
        (
            replace(GOOD, x=GOOD.x[:, :, np.newaxis]),
            RECIPE,
            "the data: a sample of x has shape (4, 1), the model's input has shape (4,)",
        ),
        (
            replace(GOOD, x=np.zeros((160, 4), np.int8)),
            RECIPE,
            "the data has x as int8, a Keras model takes float32",
        ),
        (
            replace(GOOD, y=np.full(160, 2)),
            RECIPE,
            "y has labels from 2 to 2, the model tells apart 0 to 1",
        ),
        (GOOD, replace(RECIPE, sparsity=1.0), "a sparsity of 1 is not between 0 and 1"),
        (GOOD, replace(RECIPE, sparsity=-0.1), "a sparsity of -0.1 is not between 0 and 1"),
        (
            GOOD,
            replace(RECIPE, teacher_share=1.5),
            "a teacher share of 1.5 is not between 0 and 1",
        ),
        (
            replace(GOOD, y=np.zeros((160, 2), np.float32)),
            replace(RECIPE, teacher_share=0.5),
            "a teacher share of 0.5 needs a classifier that ends in a softmax",
        ),
        (GOOD, replace(RECIPE, epochs=0), "0 epochs in batches of 32 at a rate of 0.01"),
        (
            GOOD,
            replace(RECIPE, epochs=2),
            "pruning takes at least 67 optimizer steps, 2 epochs of 160 samples in batches of 32 "
            "give 10",
        ),
    ],
)
def test_prune_refuses(data: DataSet, recipe: Recipe, message: str) -> None:
    with pytest.raises(TinykitError) as caught:
        prune_model(nets.sequential(), data, nets.classes(40), recipe)
    assert (caught.value.message, caught.value.exit_status) == (message, 2)
    assert caught.value.hint


def test_prune_refuses_a_model_without_kernels() -> None:
    model = keras.Sequential(
        [keras.Input((6, 6, 1)), nets.layers.DepthwiseConv2D(6), nets.layers.Flatten()]
    )
    with pytest.raises(TinykitError) as caught:
        prune_model(model, nets.images(), nets.images(40), RECIPE)
    name = model.layers[0].name
    assert caught.value.message == (
        f"the model has no kernel that can be pruned ({name}: "
        "depthwise (few weights, each used by one channel))"
    )


def test_prune_refuses_a_loss_that_does_not_fit() -> None:
    model = nets.sequential()
    model.compile("adam", "categorical_crossentropy")
    with pytest.raises(TinykitError) as caught:
        prune_model(model, nets.classes(), nets.classes(40), RECIPE)
    assert caught.value.message.startswith(
        "the model: the loss categorical_crossentropy does not fit outputs of shape (1, 2) and "
        "labels of shape (1,): "
    )


@pytest.mark.parametrize(
    ("build", "steps", "channels", "kernels"),
    [(nets.conv1d, 12, 3, 3), (nets.attention, 6, 8, 5)],
)
def test_prune_thins_out_conv1d_and_attention(
    build: Callable[[], Any], steps: int, channels: int, kernels: int
) -> None:
    keras.utils.set_random_seed(0)
    model, data = build(), nets.series(steps, channels)
    report = prune_model(model, data, nets.series(steps, channels, 40), RECIPE)
    assert len(report.layers) == kernels
    assert all(left.reason == "not a kernel but 'bias'" for left in report.left_dense)
    assert all(layer.zeros > 0 for layer in report.layers)
    assert report.zeros == -(-report.weights * 3 // 4)
    zeros = [int((w.numpy() == 0).sum()) for w in model.weights if w.name == "kernel"]
    assert sum(zeros) == report.zeros
