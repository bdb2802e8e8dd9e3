"""A pruned network stands beside a dense one of the same flash bytes."""

from pathlib import Path

import nets
import pytest
from commands import Tinykit

from tinykit.core.data import save_dataset
from tinykit.core.errors import TinykitError
from tinykit.host.twin import CLOSE, find_factor
from tinykit.prune.scale import expected_bytes, scaled

keras, layers = nets.keras, nets.layers


def residual() -> object:
    x = keras.Input((8, 8, 1))
    one = layers.Conv2D(8, 3, padding="same", activation="relu")(x)
    two = layers.Conv2D(8, 3, padding="same", activation="relu")(one)
    flat = layers.GlobalAveragePooling2D()(layers.Add()([one, two]))
    return keras.Model(x, layers.Softmax()(layers.Dense(10)(flat)))


def test_copies_are_narrower_everywhere_but_at_the_output() -> None:
    copy = scaled(residual(), 0.4)
    assert copy.output_shape == (None, 10)
    assert [weight.shape for weight in copy.weights[::2]] == [(3, 3, 1, 3), (3, 3, 3, 3), (3, 10)]
    assert expected_bytes(copy) == 27 + 81 + 30 + 9 * 16
    assert scaled(residual(), 0.0).count_params() > 0
    with pytest.raises(TinykitError) as caught:
        scaled(nets.subclassed(), 0.5)
    assert "no narrower copy" in caught.value.message


@pytest.mark.parametrize("more", [0.8, 1.0, 1.5])
def test_the_factor_comes_near_to_the_bytes_whatever_was_expected(more: float) -> None:
    model = keras.Sequential([keras.Input((16,)), *(layers.Dense(n) for n in (96, 96, 4))])
    measured: list[float] = []

    def tables(copy: object) -> int:
        measured.append(more * expected_bytes(copy) + 100)
        return int(measured[-1])

    found = more * expected_bytes(scaled(model, find_factor(model, 4000, tables))) + 100
    assert (1 - 2 * CLOSE) * 4000 <= found <= 4000
    assert len(measured) <= 5


def test_the_command_trains_a_twin(
    tinykit: Tinykit, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    net = [keras.Input((4,)), layers.Dense(48, activation="relu"), layers.Dense(2)]
    keras.Sequential(net).save("m.keras")
    save_dataset(Path("d.npz"), nets.classes(200))
    save_dataset(Path("t.npz"), nets.classes(50))
    options = "prune m.keras --data d.npz --test t.npz -o p.keras --epochs 14".split()
    line, hint = tinykit.refuses(*options, "--twin", "20", "--max-drop", "1", "-b", "nano33")
    assert line.startswith("--twin 20 beside --max-drop") and "--sparsity" in hint
    ended = tinykit(*options, "--from-scratch", "--twin", "20", "-b", "nano33", "--json")
    assert ended.status == 0, ended.err
    twin = ended.json["twin"]
    assert 0.8 * twin["pruned_tables"] <= twin["tables"] <= twin["pruned_tables"]
    assert 0 < twin["factor"] < 1 and twin["epochs"] == 20
    assert twin["cost"]["forward_macs"] == 200 * 20 * (twin["weights"] - 2) * 6 // 7
    better = twin["pruned_score"]["value"] > twin["score"]["value"]
    assert twin["pruned_is_better"] == better
