"""Recipes that train an untrained network, sparse from the first step; and early birds."""

from dataclasses import replace
from pathlib import Path

import nets
import numpy as np
import pytest
from commands import Tinykit
from hypothesis import given
from hypothesis import strategies as st

from tinykit.core.errors import TinykitError
from tinykit.prune.criterion import Criterion, scores_for
from tinykit.prune.early_bird import EarlyBird, distance
from tinykit.prune.erk import erk_shares
from tinykit.prune.gradients import Gradients
from tinykit.prune.keras3 import prune_model
from tinykit.prune.kernels import find_kernels
from tinykit.prune.masks import Scope
from tinykit.prune.pattern import Blocks, WholeChannels
from tinykit.prune.recipe import RECIPES, Recipe, refuse_bad_recipe
from tinykit.prune.regrow import moving_share, regrown
from tinykit.train.meter import TrainingCost

keras, layers = nets.keras, nets.layers
STARTS = ("erk", "snip", "rigl")
TASK = """
import keras

EPOCHS = 30
LEARNING_RATE = 0.1
SPARSITY = 0.5


def build_model():
    return keras.Sequential([keras.Input((4,)), keras.layers.Dense(6), keras.layers.Dense(2)])


def load_data(rng):
    x = rng.normal(size=(300, 4))
    y = (x.sum(axis=1) > 0).astype(int)
    return {"train": (x, y), "test": (x[:50], y[:50])}
"""


def test_erk_gives_large_kernels_more_zeros_and_small_ones_none() -> None:
    shapes = [(3, 3, 8, 16), (64, 10), (2, 2)]
    shares = erk_shares(shapes, 0.8)
    sizes = [1152, 640, 4]
    assert shares[2] == 0  # by its shape it would be denser than dense
    assert sum(s * n for s, n in zip(shares, sizes, strict=True)) == pytest.approx(0.8 * 1796)
    densities = [1 - share for share in shares[:2]]
    wanted = [(3 + 3 + 8 + 16) / 1152, (64 + 10) / 640]
    assert densities[0] / densities[1] == pytest.approx(wanted[0] / wanted[1])


@given(st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), min_size=1), st.floats(0.01, 1))
def test_erk_always_adds_up(shapes: list[tuple[int, int]], density: float) -> None:
    shares = erk_shares(shapes, 1 - density)
    sizes = [one * other for one, other in shapes]
    assert all(-1e-9 <= share <= 1 for share in shares)
    zeros = sum(share * size for share, size in zip(shares, sizes, strict=True))
    assert zeros == pytest.approx((1 - density) * sum(sizes), abs=1e-6)


def test_snip_scores_say_what_the_loss_loses_with_each_weight() -> None:
    keras.utils.set_random_seed(3)
    model, data = nets.sequential(), nets.classes(64)
    (first, _) = (kernel.variable for kernel in find_kernels(model).kernels)
    loss = keras.losses.SparseCategoricalCrossentropy()
    gradients = Gradients(model, [first], loss, data, np.random.default_rng(0))
    (scores,) = scores_for(Criterion.SNIP, [first], gradients, np.random.default_rng(0)) or ()
    values, slight = first.numpy(), 1e-2
    for place in ((0, 0), (3, 7), (1, 4)):
        ends = []
        for factor in (1 - slight, 1 + slight):
            moved = values.copy()
            moved[place] *= factor
            first.assign(moved)
            ends.append(float(np.mean(loss(data.y, model(data.x)))))
        first.assign(values)
        change = abs(ends[1] - ends[0]) / (2 * slight)
        assert scores[place] == pytest.approx(change, rel=0.02, abs=1e-4)
    assert gradients.meter.cost == TrainingCost(64 * 48, 64 * 64, 64 * 48, 64 * 64)


def test_regrowing_drops_the_smallest_and_grows_where_gradients_are_largest() -> None:
    mask = np.array([[True, True, True, True], [False, False, False, False]])
    weights = np.array([[4, -1, 3, 2], [0, 0, 0, 0]], np.float32)
    gradient = np.array([[0, 9, 0, 0], [1, -5, 2, 0]], np.float32)
    moved = regrown(mask, weights, gradient, 0.5)
    assert moved.tolist() == [[True, True, True, False], [False, True, False, False]]
    assert np.array_equal(regrown(mask, weights, gradient, 0), mask)
    assert [moving_share(step, 100) for step in (0, 50, 100)] == pytest.approx([0.3, 0.15, 0])


@pytest.mark.parametrize("name", STARTS)
def test_what_starts_sparse_stays_sparse_and_learns(name: str) -> None:
    recipe = replace(RECIPES[name], epochs=30, learning_rate=2e-2, sparsity=0.6)
    seen: list[int] = []
    keras.utils.set_random_seed(0)
    model = nets.sequential()

    def watch(_stage: str, _done: float, _text: str) -> None:
        seen.append(sum(int((weight.numpy() == 0).sum()) for weight in model.weights[::2]))

    report = prune_model(model, nets.classes(), nets.classes(60), recipe, 0, watch)
    assert min(seen) >= 0.6 * 48 and report.zeros >= 0.6 * 48
    assert report.after.value > 0.8
    dense = 160 * 30 * (3 * 48 - 32)
    assert report.cost.macs >= dense
    assert report.cost.effective is not None and report.cost.effective < 0.6 * dense


def test_rigl_moves_zeros_and_random_masks_do_not() -> None:
    for name in ("erk", "rigl"):
        recipe = replace(RECIPES[name], epochs=14, learning_rate=2e-2, sparsity=0.6)
        masks: list[bytes] = []
        keras.utils.set_random_seed(0)
        model = nets.sequential()

        def watch(
            _stage: str, _done: float, _text: str, model: object = model, masks: object = masks
        ) -> None:
            masks.append((model.weights[0].numpy() == 0).tobytes())  # type: ignore[attr-defined]

        prune_model(model, nets.classes(), nets.classes(60), recipe, 0, watch)
        assert (len(set(masks)) > 1) == (name == "rigl")


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (replace(RECIPES["rigl"], pattern=Blocks(4, 1)), "zeros of the pattern 4x1 do not move"),
        (replace(RECIPES["erk"], pattern=WholeChannels()), "whole channels are chosen by"),
        (Recipe(criterion=Criterion.SNIP), "a cubic schedule chooses weights while they"),
        (replace(RECIPES["erk"], teacher_share=0.5), "a recipe that starts from an untrained"),
        (replace(RECIPES["snip"], rounds=3), "a recipe that starts from an untrained"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(recipe: Recipe, message: str) -> None:
    with pytest.raises(TinykitError) as caught:
        refuse_bad_recipe(recipe)
    assert caught.value.message.startswith(message)


def test_early_birds_stop_when_three_epochs_keep_nearly_the_same_weights() -> None:
    keras.utils.set_random_seed(0)
    model = nets.sequential()
    bird = EarlyBird(Recipe(sparsity=0.5, scope=Scope.LAYER))
    assert [bird.settled(model) for _ in range(3)] == [False, False, True]
    kernel = model.weights[0]
    kernel.assign(-1 / kernel.numpy())  # the smallest become the largest
    assert [bird.settled(model) for _ in range(3)] == [False, False, True]
    whole, half = [np.ones(4, np.bool_)], [np.array([True, False, True, False])]
    assert (distance(whole, half), distance(half, whole)) == (0.5, 0.0)


def test_the_command_starts_from_an_untrained_network(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("task.py").write_text(TASK)
    options = ["prune", "m.keras", "--data", "m_train.npz", "--test", "m_test.npz", "-o", "p.keras"]
    report = tinykit("train", "task.py", "-o", "m.keras", "--epochs", "0", "--json").json
    assert (report["epochs"], report["cost"]["forward_macs"]) == (0, 0)
    ended = tinykit(*options, "--recipe", "rigl", "--epochs", "10", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["cost"]["forward_effective"] < ended.json["cost"]["forward_macs"]
    search = ["--recipe", "rigl", "--max-drop", "1", "-b", "nano33", "--force"]
    line, _ = tinykit.refuses(*options, *search)
    assert line.startswith("the recipe starts from an untrained model, which has no accuracy")

    ended = tinykit("train", "task.py", "-o", "m.keras", "--early-bird", "--json", "--force")
    assert ended.status == 0 and 3 <= ended.json["epochs"] < 30, ended.err
    line, hint = tinykit.refuses(*options, "--recipe", "erk", "--force")
    assert line.startswith("the recipe starts from an untrained model, this one's accuracy is ")
    assert "--epochs 0" in hint


def test_growth_from_the_start_needs_fewer_steps_than_a_cubic_one() -> None:
    with pytest.raises(TinykitError) as caught:
        short = replace(RECIPES["rigl"], epochs=5)
        prune_model(nets.sequential(), nets.classes(), nets.classes(40), short)
    assert "at least 54 optimizer steps" in caught.value.message
