"""One-shot pruned copies of the shared models reach what pruning has to reach.

Nine tenths of the weights of each CONV_2D and FULLY_CONNECTED are zero; accuracy is not at stake.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import tiny
from benchmarks import BASELINE
from commands import Tinykit, shared_build
from models import shared_model
from numpy.typing import NDArray
from oneshot import one_shot

from tinykit.codegen.importer import import_tflite
from tinykit.host.build import BuildOptions

MORE_CODE = 4096  # bytes above the dense build


@dataclass(frozen=True, slots=True)
class Goal:
    """Hold what a copy may cost at most: the ratio to TFLM with CMSIS-NN, and its tables."""

    share: float
    ratio: float
    table_bytes: int


GOALS = {
    "ad01_int8": Goal(0.9, 0.25, 62_000),
    "resnet8_int8": Goal(0.9, 0.20, 19_500),
    "kws_int8": Goal(0.9, 0.36, 12_500),
    "vww_int8": Goal(0.9, 0.30, 54_000),
}


def benched(
    factory: pytest.TempPathFactory, tinykit: Tinykit, name: str, options: BuildOptions
) -> dict[str, Any]:
    share = GOALS[name].share
    data = one_shot(shared_model(name), share)
    folder: Path = shared_build(factory, f"{name}_{share:.0%}", data, options)
    ended = tinykit("bench", folder, "--inputs", "2", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["exact"]["mismatches"] == 0
    return ended.json


@pytest.mark.parametrize("name", GOALS)
def test_zeros_cost_neither_instructions_nor_flash(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    goal = GOALS[name]
    fast = benched(tmp_path_factory, tinykit, name, BuildOptions(optimize="speed"))
    assert fast["instructions"] <= goal.ratio * BASELINE[name].instructions
    small = benched(tmp_path_factory, tinykit, name, BuildOptions())
    assert small["flash"]["weights"] <= goal.table_bytes
    dense = benched(tmp_path_factory, tinykit, name, BuildOptions(encoding="dense"))
    assert small["flash"]["code"] <= dense["flash"]["code"] + MORE_CODE


@pytest.mark.parametrize("share", [0.5, 0.9])
def test_the_smallest_magnitudes_become_zero(share: float) -> None:
    before, after = (weights(data) for data in (tiny.image(), one_shot(tiny.image(), share)))
    for old, new in zip(before, after, strict=True):
        zeroed = new != old
        assert not np.any(new[zeroed])
        assert np.count_nonzero(new == 0) == max(int(share * old.size), np.count_nonzero(old == 0))
        magnitude = np.abs(old.astype(int))
        most = magnitude[new == 0].max()
        assert most <= magnitude[new != 0].min()
        of_most = new[magnitude == most]
        assert list(of_most != 0) == sorted(of_most != 0)  # the lower indices went first


def test_nothing_else_changes() -> None:
    model = tiny.image()
    assert one_shot(model, 0.0) == model
    half = np.frombuffer(one_shot(model, 0.5), np.uint8)
    changed = np.count_nonzero(half != np.frombuffer(model, np.uint8))
    pairs = zip(weights(model), weights(one_shot(model, 0.5)), strict=True)
    assert changed == sum(np.count_nonzero(old != new) for old, new in pairs) > 0


def weights(data: bytes) -> list[NDArray[np.int8]]:
    """Return what CONV_2D and FULLY_CONNECTED multiply by, read as tinykit reads it."""
    graph = import_tflite(data, "model.tflite")
    found = []
    for operator in graph.operators:
        if operator.kind in ("CONV_2D", "FULLY_CONNECTED"):
            values = graph.tensor(operator.inputs[1]).data
            assert values is not None
            found.append(values.ravel().astype(np.int8))
    return found
