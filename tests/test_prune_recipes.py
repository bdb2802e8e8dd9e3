"""Every recipe of the table prunes, and prunes what it says."""

from dataclasses import replace
from pathlib import Path

import nets
import numpy as np
import pytest
from commands import Tinykit
from hypothesis import given
from hypothesis import strategies as st

from tinykit.core.errors import TinykitError
from tinykit.host.recipes import Changes, chosen_recipe
from tinykit.prune.keras3 import prune_model
from tinykit.prune.kernels import find_kernels
from tinykit.prune.masks import Scope, Targets, choose_masks, keep_some, zeros_wanted
from tinykit.prune.pattern import WEIGHTS, Blocks, KeepSome, parse_pattern
from tinykit.prune.recipe import RECIPES, Pin, Recipe, parse_pin
from tinykit.prune.schedule import Growth, schedule_for

keras, layers = nets.keras, nets.layers
FAST = {"epochs": 14, "batch_size": 32, "learning_rate": 1e-2}


def matrix(seed: int, outputs: int, inputs: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(size=(outputs, inputs)).astype(np.float32)


@pytest.mark.parametrize("name", RECIPES)
def test_every_recipe_reaches_its_zeros(name: str) -> None:
    recipe = replace(RECIPES[name], **FAST, rounds=min(RECIPES[name].rounds, 2))
    model = nets.sequential()
    early = model.get_weights() if recipe.rewind else None
    report = prune_model(model, nets.classes(), nets.classes(40), recipe, early=early)
    assert report.zeros >= int(recipe.final * report.weights)
    assert report.zeros == sum(int((w.numpy() == 0).sum()) for w in model.weights[::2])


@given(st.integers(0, 99), st.integers(1, 9), st.integers(1, 13), st.floats(0.05, 0.95))
def test_blocks_go_whole_and_are_enough(seed: int, tall: int, wide: int, final: float) -> None:
    kernels = [matrix(seed, 10, 27), matrix(seed + 1, 7, 4)]
    blocks = Blocks(tall, wide)
    masks = choose_masks(kernels, Targets(Scope.GLOBAL, final), 1.0, blocks)
    zeros = sum(int((~mask).sum()) for mask in masks)
    assert zeros_wanted(298, final) <= zeros < zeros_wanted(298, final) + tall * wide
    for mask in masks:
        for row in range(0, len(mask), tall):
            for column in range(0, mask.shape[1], wide):
                block = mask[row : row + tall, column : column + wide]
                assert block.all() or not block.any()


def test_blocks_of_the_least_square_mean_go() -> None:
    kernel = np.array([[1, 1, 3, 0], [2, 2, 2, 2]], np.float32)
    (mask,) = choose_masks([kernel], Targets(Scope.LAYER, 0.25), 1.0, Blocks(1, 2))
    assert mask.tolist() == [[False, False, True, True], [True, True, True, True]]


@given(st.integers(0, 99), st.integers(1, 7), st.integers(1, 9), st.integers(1, 40))
def test_keep_some_keeps_the_largest_of_each_group(
    seed: int, kept: int, more: int, inputs: int
) -> None:
    kernel, group = matrix(seed, 3, inputs), kept + more
    mask = keep_some(kernel, KeepSome(kept, group), 1.0)
    for start in range(0, inputs, group):
        part, stays = kernel[:, start : start + group], mask[:, start : start + group]
        size = part.shape[1]
        assert (stays.sum(axis=1) == -(-kept * size // group)).all()
        for values, left in zip(np.abs(part), stays, strict=True):
            assert values[left].min() >= values[~left].max(initial=0)


def test_keep_some_goes_there_step_by_step() -> None:
    kernel = matrix(0, 2, 8)
    zeros = [int((~keep_some(kernel, KeepSome(1, 4), share)).sum()) for share in (0, 0.4, 0.7, 1)]
    assert zeros == [0, 4, 8, 12]


def test_pinned_kernels_have_a_share_of_their_own() -> None:
    kernels = [matrix(0, 10, 10), matrix(1, 10, 10)]
    for scope in Scope:
        masks = choose_masks(kernels, Targets(scope, 0.9, (0.25, None)), 1.0)
        assert [int((~mask).sum()) for mask in masks] == [25, 90]


def test_rounds_keep_the_same_share_of_what_was_left() -> None:
    targets = Targets(Scope.LAYER, 0.875, (0.5, None))
    finals = [targets.after(part / 3).final for part in (1, 2, 3)]
    assert finals == pytest.approx([0.5, 0.75, 0.875])
    assert targets.after(1.0) == targets
    assert targets.after(0.5).pinned[0] == pytest.approx(1 - 0.5**0.5)


def test_matrices_have_outputs_first_and_inputs_as_kernels_read_them() -> None:
    inputs = keras.Input((4, 6))
    attended = layers.MultiHeadAttention(2, 3, name="attention")(inputs, inputs)
    model = keras.Model(inputs, layers.Conv1DTranspose(5, 2, name="up")(attended))
    shapes = {
        kernel.name: kernel.matrix(kernel.variable.numpy()).shape
        for kernel in find_kernels(model).kernels
    }
    assert shapes == {
        "attention/query": (6, 6),
        "attention/key": (6, 6),
        "attention/value": (6, 6),
        "attention/attention_output": (6, 6),
        "up": (5, 12),
    }
    for kernel in find_kernels(model).kernels:
        values = kernel.variable.numpy()
        assert np.array_equal(kernel.from_matrix(kernel.matrix(values) > 0), values > 0)
    conv = keras.Sequential([keras.Input((5, 5, 2)), layers.Conv2D(3, 3)])
    (kernel,) = find_kernels(conv).kernels
    read = kernel.variable.numpy()[:, :, :, 1].ravel()
    assert np.array_equal(kernel.matrix(kernel.variable.numpy())[1], read)


def test_constant_schedule_lets_zeros_come_back() -> None:
    keras.utils.set_random_seed(1)
    seen = []

    class Watched(keras.Sequential):  # type: ignore[misc]
        def train_step(self, data: object) -> object:
            return super().train_step(data)

    model = Watched([keras.Input((4,)), layers.Dense(8, activation="relu"), layers.Dense(2)])
    model.compile("sgd", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    recipe = Recipe(0.5, growth=Growth.CONSTANT, epochs=14, learning_rate=5e-2)

    def watch(_stage: str, _done: float, _text: str) -> None:
        seen.append(model.layers[0].kernel.numpy() == 0)

    report = prune_model(model, nets.classes(), nets.classes(40), recipe, progress=watch)
    first = np.logical_or.reduce(seen[:3])
    assert (first & ~seen[-1]).any(), "no zero came back"
    assert report.zeros == zeros_wanted(report.weights, 0.5)


def test_one_shot_prunes_before_the_first_step() -> None:
    model = nets.sequential()
    before = [kernel.numpy() for kernel in model.weights[::2]]
    wanted = choose_masks([kernel.T for kernel in before], Targets(Scope.GLOBAL, 0.75), 1.0)
    recipe = Recipe(0.75, growth=Growth.ONE_SHOT, epochs=1)
    prune_model(model, nets.classes(), nets.classes(40), recipe)
    for kernel, mask in zip(model.weights[::2], wanted, strict=True):
        assert np.array_equal(kernel.numpy() != 0, mask.T)


def test_lottery_starts_every_round_from_the_early_weights() -> None:
    model = nets.sequential()
    early = [np.full_like(value, 7 + place) for place, value in enumerate(model.get_weights())]
    recipe = replace(RECIPES["lottery"], sparsity=0.5, rounds=2, epochs=1, learning_rate=1e-9)
    prune_model(model, nets.classes(), nets.classes(40), recipe, early=early)
    for value, start in zip(model.get_weights(), early, strict=True):
        assert np.allclose(value[value != 0], start.flat[0])


def test_excluded_layers_stay_dense_and_are_named() -> None:
    model = nets.nested()
    recipe = Recipe(0.75, exclude=("inner",), **FAST)
    report = prune_model(model, nets.classes(), nets.classes(40), recipe)
    assert [entry.reason for entry in report.left_dense] == ["excluded by 'inner'"]
    assert len(report.layers) == 1
    assert (report.zeros, report.weights) == (9, 12)


def test_pins_hold_by_name_and_by_pattern() -> None:
    model = nets.sequential()
    first, second = (layer.name for layer in model.layers)
    recipe = Recipe(0.75, pinned=(Pin("dense*", 0.25), Pin(second, 0.5)), **FAST)
    report = prune_model(model, nets.classes(), nets.classes(40), recipe)
    assert {layer.name: layer.zeros for layer in report.layers} == {first: 8, second: 8}


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (Recipe(exclude=("nowhere",)), "no layer with a kernel is called 'nowhere'"),
        (Recipe(pinned=(Pin("nowhere", 0.5),)), "no layer with a kernel is called 'nowhere'"),
        (Recipe(pinned=(Pin("dense*", 1.5),)), "a sparsity of 1.5 is not between 0 and 1"),
        (
            Recipe(pattern=KeepSome(2, 4), pinned=(Pin("dense*", 0.5),)),
            "the pattern 2:4 leaves no layer a sparsity of its own",
        ),
        (Recipe(rounds=3), "3 rounds with a cubic schedule"),
        (Recipe(rounds=0), "0 rounds of pruning"),
        (RECIPES["lottery"], "the recipe has no early weights to rewind to"),
        (Recipe(rewind=True), "weights cannot be rewound within a cubic schedule"),
    ],
)
def test_recipes_that_make_no_sense_are_refused(recipe: Recipe, message: str) -> None:
    with pytest.raises(TinykitError) as caught:
        prune_model(nets.sequential(), nets.classes(), nets.classes(40), recipe)
    assert (caught.value.message, caught.value.exit_status) == (message, 2)
    assert caught.value.hint


def test_early_weights_of_another_network_are_refused() -> None:
    with pytest.raises(TinykitError) as caught:
        prune_model(
            nets.sequential(),
            nets.classes(),
            nets.classes(40),
            RECIPES["lottery"],
            early=nets.nested().get_weights(),
        )
    assert caught.value.message == "the early weights are those of another network"


def test_patterns_are_read_as_they_are_typed() -> None:
    for pattern in (WEIGHTS, Blocks(4, 1), Blocks(1, 16), KeepSome(2, 4), KeepSome(1, 16)):
        assert parse_pattern(str(pattern)) == pattern


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("diagonal", "no pattern 'diagonal'"),
        ("4:2", "the pattern 4:2 keeps 4 of 2"),
        ("0:4", "the pattern 0:4 keeps 0 of 4"),
        ("0x4", "the pattern 0x4 has blocks of 0 weights"),
        ("64x64", "the pattern 64x64 has blocks of 4096 weights"),
    ],
)
def test_patterns_that_are_none_are_refused(text: str, message: str) -> None:
    with pytest.raises(TinykitError) as caught:
        parse_pattern(text)
    assert caught.value.message == message


def test_options_change_a_recipe() -> None:
    changes = Changes(
        sparsity=0.8,
        scope="layer",
        pattern="1x4",
        schedule="constant",
        exclude=("a",),
        pin=("b=0.5",),
    )
    assert chosen_recipe("gradual", changes) == Recipe(
        0.8,
        Scope.LAYER,
        pattern=Blocks(1, 4),
        growth=Growth.CONSTANT,
        exclude=("a",),
        pinned=(Pin("b", 0.5),),
    )
    assert chosen_recipe("lottery", Changes()) == RECIPES["lottery"]


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("magic", Changes(), "no recipe 'magic'"),
        ("gradual", Changes(scope="galaxy"), "no scope 'galaxy'"),
        ("gradual", Changes(schedule="never"), "no schedule 'never'"),
        ("gradual", Changes(pin=("dense",)), "'dense' pins no layer"),
        ("gradual", Changes(pin=("dense=much",)), "'dense=much' pins no layer"),
        ("2:4", Changes(sparsity=0.9), "the pattern 2:4 has 50 % zeros in every layer"),
    ],
)
def test_options_that_make_no_sense_are_refused(name: str, changes: Changes, message: str) -> None:
    with pytest.raises(TinykitError) as caught:
        chosen_recipe(name, changes)
    assert caught.value.message == message
    assert caught.value.hint


def test_pins_are_read() -> None:
    assert parse_pin("dense*=0.5") == Pin("dense*", 0.5)


def test_schedules_say_when_masks_are_chosen() -> None:
    cubic, constant, at_once, regrow = (schedule_for(14, 160, 32, growth) for growth in Growth)
    assert [cubic.share(0), cubic.share(cubic.last)] == [0, 1]
    assert constant.share(0) == at_once.share(0) == regrow.share(0) == 1
    assert (constant.last, at_once.last) == (cubic.last, 0)
    schedule_for(1, 1, 32, Growth.ONE_SHOT)  # a single step is enough


def test_commands_keep_early_weights_and_rewind_to_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "task.py").write_text(
        "import keras\nimport nets\nEPOCHS = 2\n"
        "def build_model():\n    return nets.sequential()\n"
        "def load_data():\n    data = nets.classes()\n    return 2 * ((data.x, data.y),)\n"
    )
    tinykit = Tinykit(capsys)
    assert tinykit("train", "task.py", "-o", "m.keras", "--early", "1").status == 0
    early, late = (keras.saving.load_model(f"m{end}.keras") for end in ("_early", ""))
    assert not np.array_equal(early.get_weights()[0], late.get_weights()[0])
    options = ["--data", "m_train.npz", "-o", "p.keras", "--sparsity", "0.5", "--rounds", "2"]
    lottery = [*options, "--recipe", "lottery", "--epochs", "1", "--learning-rate", "1e-9"]
    lottery += ["--early", "m_early.keras", "--from-scratch"]  # two epochs teach it next to nothing
    ended = tinykit("prune", "m.keras", *lottery, "--json")
    assert ended.status == 0, ended.err
    assert (ended.json["recipe"], ended.json["layers"][0]["weights"]) == ("lottery", 32)
    pruned = keras.saving.load_model("p.keras").get_weights()
    assert sum(int((value == 0).sum()) for value in pruned[::2]) == 24
    for value, start in zip(pruned, early.get_weights(), strict=True):
        assert np.allclose(value[value != 0], start[value != 0])
    line, hint = tinykit.refuses(
        *("prune", "m.keras", *options[:2], "-o", "q.keras", "--pin", "x=0.5", "--from-scratch")
    )
    assert line == "no layer with a kernel is called 'x'" and hint.startswith("layers: dense")
    line, _ = tinykit.refuses("train", "task.py", "-o", "n.keras", "--early", "3")
    assert line == "task.py trains for 2 epochs, fewer than 3"
