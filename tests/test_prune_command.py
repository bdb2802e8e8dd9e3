"""`tinykit prune` searches with real sizes and counts, and goes on after Ctrl-C."""

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import nets
import numpy as np
import pytest
from commands import Tinykit

from tinykit.core.board import find_board
from tinykit.core.data import save_dataset
from tinykit.host.build import BuildOptions
from tinykit.host.search import Search, search
from tinykit.host.settings import wired
from tinykit.prune import search as searching
from tinykit.prune.recipe import Recipe
from tinykit.prune.search import Trial
from tinykit.train.fit import Fitting, fit, settle
from tinykit.train.progress import no_progress

pytest.importorskip("unicorn")
keras, layers = nets.keras, nets.layers
OPTIONS = "prune m.keras --data d.npz --test t.npz -o p.keras -b nano33 --epochs 14".split()
RECIPE = Recipe(epochs=14)


@pytest.fixture(scope="module")
def network(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a network."""
    keras.utils.set_random_seed(0)
    net = keras.Sequential(
        [
            keras.Input((4,)),
            layers.Dense(24, activation="relu"),
            layers.Dense(2, activation="softmax"),
        ]
    )
    loss = "sparse_categorical_crossentropy"
    fit(net, nets.classes(), Fitting("train", 20, 32, 1e-2, loss), no_progress, [])
    settle(net, loss)
    path = tmp_path_factory.mktemp("network") / "m.keras"
    net.save(path)
    return path


@pytest.fixture
def folder(network: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave a trained network and its data in the current folder."""
    monkeypatch.chdir(tmp_path)
    shutil.copy(network, "m.keras")
    save_dataset(tmp_path / "d.npz", nets.classes(200))
    save_dataset(tmp_path / "t.npz", nets.classes(50))
    return tmp_path


@pytest.fixture
def tinykit(capsys: pytest.CaptureFixture[str]) -> Tinykit:
    return Tinykit(capsys)


@pytest.mark.slow
def test_a_search_goes_on_after_an_interruption_and_with_another_goal(
    folder: Path, tinykit: Tinykit, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(_trial: Trial) -> None:
        raise KeyboardInterrupt

    places: dict[str, Any] = {"model": "m.keras", "data": "d.npz", "test": "t.npz"}
    task = Search(
        **{name: Path(path) for name, path in places.items()},
        recipe=RECIPE,
        board=wired(find_board("nano33"), BuildOptions()),
        options=BuildOptions(),
        max_drop=None,
        targets={"flash": 1},
        output=Path("p.keras"),
        seed=0,
        custom=None,
        early=None,
        from_scratch=False,
    )
    with pytest.raises(KeyboardInterrupt):
        search(task, no_progress, interrupt)
    kept = sorted(path.name for path in Path("p.search").iterdir())
    assert kept == ["1.000000.keras", "search.json"]

    monkeypatch.setattr(searching, "LEAST_KEPT", 0.5)
    ended = tinykit(*OPTIONS, "--target", "flash=1")
    assert (ended.status, ended.out) == (1, "")
    lines = ended.err.splitlines()
    assert lines[0].startswith("  0.0 % zeros: ") and lines[1].startswith(" 50.0 % zeros: ")
    assert lines[2].startswith("tinykit: flash=1 cannot be met: ")
    assert not Path("p.keras").exists() and Path("p_frontier.svg").exists()

    monkeypatch.setattr(searching, "CLOSE", 1.5)
    dense = int(lines[0].split(" instructions")[0].split(", ")[-1].replace(" ", ""))
    ended = tinykit(*OPTIONS, "--target", f"instructions={dense - 1}", "--json")
    assert ended.status == 0, ended.err
    report = ended.json
    assert report["resumed"] == 2
    assert [round(trial["kept"], 3) for trial in report["trials"]] == [1, 0.707, 0.5]
    assert report["best"]["price"]["instructions"] < dense
    assert report["test_after"]["samples"] == 50
    seen = 2 * 14 * 170  # two networks pruned, 15 % of 200 samples held out
    assert report["cost"]["forward_macs"] == seen * (4 * 24 + 24 * 2)
    assert report["cost"]["wall_s"] > 0 and report["left_dense"] == []
    pruned = keras.saving.load_model("p.keras").get_weights()
    zeros = sum(int((value == 0).sum()) for value in pruned[::2])
    assert zeros == report["best"]["zeros"] > 0
    assert sorted(path.name for path in folder.iterdir()) == [
        *("d.npz", "m.keras", "p.keras", "p_frontier.svg", "t.npz"),
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--max-drop", "1", "--sparsity", "0.5"], "--sparsity 0.5 beside --max-drop or --target"),
        (["--max-drop", "-1"], "--max-drop -1 is no number of points"),
        (["--target", "flash=much"], "'flash=much' is no target"),
        (["--max-drop", "1", "--recipe", "2:4"], "the pattern 2:4 has one number of zeros"),
        (["--max-drop", "1", "--epochs", "1"], "pruning takes at least 67 optimizer steps"),
        ([], "--board nano33 has nothing to do without a search"),
    ],
)
def test_options_of_a_search_are_refused(
    folder: Path, tinykit: Tinykit, options: list[str], message: str
) -> None:
    line, _ = tinykit.refuses(*OPTIONS, *options)
    assert line.startswith(message)
    assert not Path("p.keras").exists()
    assert not Path("p.search").exists()


def test_data_without_labels_and_models_that_guess_are_refused(
    folder: Path, tinykit: Tinykit
) -> None:
    save_dataset(folder / "x.npz", replace(nets.classes(200), y=None))
    plain = ["prune", "m.keras", "--data", "x.npz", "-o", "p.keras"]
    for options in ([], ["--max-drop", "1", "-b", "nano33"]):
        line, hint = tinykit.refuses(*plain, *options)
        assert line == "the data has no array 'y'" and "save them as y" in hint
    model = keras.saving.load_model("m.keras")
    model.set_weights([np.zeros_like(value) for value in model.get_weights()])
    model.save("m.keras")
    for options in (OPTIONS[:8], [*OPTIONS, "--max-drop", "1"]):
        line, hint = tinykit.refuses(*options)
        assert (
            line.startswith("before pruning the model's accuracy is ") and "--from-scratch" in hint
        )
