"""Rounds of pruning that were interrupted go on, and end as if they had not been."""

from collections.abc import Callable
from pathlib import Path

import nets
import numpy as np
import pytest
from commands import Tinykit

from tinykit.core.data import save_dataset
from tinykit.host import rounds as kept
from tinykit.prune.rounds import Left

keras = nets.keras
OPTIONS = "prune m.keras --data d.npz --test t.npz -o p.keras --recipe iterative --rounds 3".split()
OPTIONS += "--epochs 2 --sparsity 0.5 --from-scratch --json".split()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Leave a network and its data in the current folder."""
    monkeypatch.chdir(tmp_path)
    keras.utils.set_random_seed(0)
    nets.sequential().save("m.keras")
    save_dataset(tmp_path / "d.npz", nets.classes(200))
    save_dataset(tmp_path / "t.npz", nets.classes(50))
    return tmp_path


def interrupted_after(rounds: int) -> Callable[[kept.KeptRounds, object, Left], None]:
    """Return a save() after whose so many-th call somebody presses Ctrl-C."""
    save = kept.KeptRounds.save

    def press(self: kept.KeptRounds, model: object, left: Left) -> None:
        save(self, model, left)
        if left.rounds == rounds:
            raise KeyboardInterrupt

    return press


def test_rounds_go_on_where_they_were_interrupted(folder: Path, tinykit: Tinykit) -> None:
    whole = tinykit(*OPTIONS)
    assert whole.status == 0, whole.err
    weights = keras.saving.load_model("p.keras").get_weights()
    Path("p.keras").unlink()
    assert not Path("p.rounds").exists()
    for rounds in (1, 2):
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(kept.KeptRounds, "save", interrupted_after(rounds))
            ended = tinykit(*OPTIONS)
        assert ended.status == 130 and "goes on with the rounds that are done" in ended.err
        names = sorted(path.name for path in Path("p.rounds").iterdir())
        assert names == [f"round{rounds}.keras", "rounds.json"]
        assert not Path("p.keras").exists()
    line, hint = tinykit.refuses(*OPTIONS, "--seed", "1")
    assert line.startswith("p.rounds holds the rounds of another network") and "-o" in hint
    ended = tinykit(*OPTIONS)
    assert ended.status == 0, ended.err
    assert not Path("p.rounds").exists()
    for one, other in zip(weights, keras.saving.load_model("p.keras").get_weights(), strict=True):
        assert np.array_equal(one, other)
    for measure in ("forward_macs", "backward_macs", "forward_effective", "backward_effective"):
        assert ended.json["cost"][measure] == whole.json["cost"][measure]
    Path("p.rounds").mkdir()
    line, _ = tinykit.refuses(*OPTIONS, "--force")
    assert line == "p.rounds/rounds.json is damaged (FileNotFoundError)"
