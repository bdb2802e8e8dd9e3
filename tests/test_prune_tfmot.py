"""The tfmot back end: what it prunes, what it names, and that both Kerases compute the same."""

from dataclasses import replace
from importlib.util import find_spec
from typing import Any

import nets
import numpy as np
import pytest

from tinykit.core.errors import CheckFailedError, MissingToolError, TinykitError
from tinykit.prune import tfmot
from tinykit.prune.backends import BACKENDS, backend_named
from tinykit.prune.masks import Scope
from tinykit.prune.pattern import KeepSome, WholeChannels
from tinykit.prune.recipe import RECIPES, Recipe
from tinykit.prune.schedule import Growth
from tinykit.prune.tfmot import prune_by_tfmot
from tinykit.train.predict import predict

keras, layers = nets.keras, nets.layers
FAST = Recipe(0.5, Scope.LAYER, epochs=14, learning_rate=1e-2)
INSTALLED = all(find_spec(name) for name in ("tf_keras", "tensorflow_model_optimization"))
needs_tfmot = pytest.mark.skipif(not INSTALLED, reason="pip install '.[tfmot]'")


def branching() -> Any:
    """Build a net of what tfmot takes, and of what it leaves dense."""
    x = keras.Input((6, 6, 1))
    one = layers.Conv2D(8, 3, padding="same", activation="relu", name="one")(x)
    two = layers.Conv2D(8, 3, padding="same", name="two")(one)
    two = layers.ReLU()(layers.BatchNormalization()(two))
    both = layers.Add()([one, layers.DepthwiseConv2D(3, padding="same")(two)])
    rows = layers.Reshape((6, 48))(both)
    rows = layers.Conv1D(6, 3, activation="relu", name="rows")(rows)
    memory = layers.Bidirectional(layers.LSTM(3), name="memory")(rows)
    return keras.Model(x, layers.Dense(1, activation="sigmoid", name="out")(memory))


def sequential() -> Any:
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(8, 3, padding="same", activation="relu", name="conv"),
            layers.Flatten(),
            layers.Dense(1, activation="sigmoid", name="dense"),
        ]
    )


def attention() -> Any:
    x = keras.Input((6, 6))
    both = layers.MultiHeadAttention(2, 3, name="attention")(x, x)
    pooled = layers.GlobalAveragePooling1D()(both)
    return keras.Model(x, layers.Dense(1, activation="sigmoid", name="out")(pooled))


@pytest.mark.slow
@needs_tfmot
def test_layers_that_tfmot_takes_are_pruned_and_the_others_named() -> None:
    told: list[str] = []
    model = branching()
    report = prune_by_tfmot(
        model,
        nets.images(),
        nets.images(40),
        replace(FAST, exclude=("out",)),
        progress=lambda stage, done, text: told.append(stage),
    )
    assert {layer.name: layer.zeros / layer.weights for layer in report.layers} == {
        "one": 0.5,
        "two": 0.5,
        "rows": 0.5,
    }
    reasons = {entry.name.split("/")[0]: entry.reason for entry in report.left_dense}
    assert reasons["out"] == "excluded by 'out'"
    assert reasons["memory"] == "tfmot does not prune Bidirectional"
    assert told == 14 * ["prune"]
    for variable in (model.get_layer("one").kernel, model.get_layer("rows").kernel):
        values = variable.numpy()
        assert (values == 0).sum() == values.size // 2


@pytest.mark.soak
@pytest.mark.slow
@needs_tfmot
def test_clusters_and_awareness_of_int8_keep_zeros() -> None:
    model = sequential()
    recipe = replace(FAST, clusters=8, aware_epochs=2)
    report = prune_by_tfmot(model, nets.images(), nets.images(40), recipe)
    assert report.zeros >= report.weights / 2
    assert len(np.unique(model.get_layer("dense").kernel.numpy())) <= 8


@pytest.mark.soak
@pytest.mark.slow
@needs_tfmot
@pytest.mark.parametrize(
    ("build", "recipe", "zeros"),
    [
        (sequential, replace(FAST, growth=Growth.CONSTANT), 0.5),
        (sequential, replace(FAST, aware_epochs=2), 0.5),
        (sequential, replace(FAST, sparsity=0.75, pattern=RECIPES["blocks"].pattern), 0.75),
        (attention, FAST, 0.5),
    ],
)
def test_tfmot_prunes_by(build: Any, recipe: Recipe, zeros: float) -> None:
    model = build()
    data = nets.images()
    if build is attention:
        data = replace(data, x=data.x[..., 0])
    report = prune_by_tfmot(model, data, data, recipe)
    assert report.zeros == pytest.approx(zeros * report.weights, abs=4)


@pytest.mark.slow
@needs_tfmot
def test_a_layer_that_computes_something_else_in_tf_keras_is_named() -> None:
    x = keras.Input((4,))
    hidden = layers.Dense(8, activation="hard_sigmoid", name="differs")(x)
    model = keras.Model(x, layers.Dense(2, activation="softmax")(hidden))
    before = predict(model, nets.classes().x)
    with pytest.raises(CheckFailedError) as caught:
        prune_by_tfmot(model, nets.classes(), nets.classes(40), FAST)
    assert caught.value.message.startswith(
        "the layer 'differs' computes something else in tf_keras: outputs are up to 0.0"
    )
    assert np.array_equal(predict(model, nets.classes().x), before)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (replace(FAST, scope=Scope.GLOBAL), "tfmot has no one threshold for the network"),
        (replace(FAST, growth=Growth.ONE_SHOT), "tfmot has no rounds, or pruning all at once"),
        (replace(FAST, pattern=WholeChannels()), "tfmot has no whole channels"),
        (replace(FAST, clusters=1), "1 clusters of weights"),
        (replace(FAST, epochs=2), "pruning takes at least 67 optimizer steps"),
    ],
)
def test_recipes_that_tfmot_has_not_are_refused(
    recipe: Recipe, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tfmot, "find_spec", lambda _name: True)
    with pytest.raises(TinykitError) as caught:
        prune_by_tfmot(nets.sequential(), nets.classes(), nets.classes(40), recipe)
    assert caught.value.message.startswith(message)


def test_tfmot_that_is_missing_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tfmot, "find_spec", lambda _name: None)
    with pytest.raises(MissingToolError) as caught:
        prune_by_tfmot(nets.sequential(), nets.classes(), nets.classes(40), FAST)
    assert caught.value.message == "tf_keras, tensorflow_model_optimization is not installed"
    assert (caught.value.exit_status, caught.value.hint) == (3, tfmot.INSTALL)


def test_models_without_twins_are_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Mine(layers.Dense):  # type: ignore[misc]
        pass

    monkeypatch.setattr(tfmot, "find_spec", lambda _name: True)
    own = keras.Sequential([keras.Input((4,)), Mine(2, activation="softmax", name="own")])
    with pytest.raises(TinykitError) as caught:
        prune_by_tfmot(own, nets.classes(), nets.classes(40), FAST)
    assert caught.value.message == "tf_keras has no layer Mine ('own')"
    with pytest.raises(TinykitError) as caught:
        prune_by_tfmot(nets.subclassed(), nets.classes(), nets.classes(40), FAST)
    assert caught.value.message == "Subclassed is subclassed, tfmot cannot take it"
    assert caught.value.hint == "prune it with --backend keras"


def test_back_ends_have_names() -> None:
    assert [backend_named(name) for name in BACKENDS] == list(BACKENDS.values())
    with pytest.raises(TinykitError) as caught:
        backend_named("pytorch")
    assert caught.value.hint == "--backend keras or tfmot"


def test_clusters_are_for_tfmot() -> None:
    with pytest.raises(TinykitError) as caught:
        BACKENDS["keras"](
            nets.sequential(), nets.classes(), nets.classes(40), Recipe(clusters=8, epochs=14)
        )
    assert caught.value.hint == "--backend tfmot"


def test_n_of_m_says_its_sparsity_to_tfmot() -> None:
    order = tfmot._order(
        nets.sequential(), nets.classes(), replace(FAST, pattern=KeepSome(2, 4)), "mse", 0
    )
    assert (order.kept, order.group, set(order.sparsity.values())) == (2, 4, {0.5})
    assert (order.loss, order.logits) == ("MeanSquaredError", False)
