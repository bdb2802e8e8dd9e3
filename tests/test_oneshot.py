"""One-shot pruned copies of the shared models reach what pruning has to reach.

Nine tenths of the weights of each CONV_2D and FULLY_CONNECTED are zero; accuracy is not at stake.
"""

from dataclasses import dataclass

import numpy as np
import pytest
import tiny
from benchmarks import BASELINE
from commands import Tinykit
from numpy.typing import NDArray
from oneshot import benched, one_shot, pruned_build

from tinykit.codegen.importer import import_tflite
from tinykit.host.build import BuildOptions
from tinykit.host.record import read_record

MORE_CODE = 4096  # bytes above the dense build


@dataclass(frozen=True, slots=True)
class Goal:
    """Hold what a copy may cost at most: the ratio to TFLM with CMSIS-NN, and its tables."""

    name: str
    share: float
    ratio: float
    table_bytes: int = 1 << 20


GOALS = (
    Goal("ad01_int8", 0.9, 0.25, 62_000),
    Goal("resnet8_int8", 0.9, 0.20, 19_500),
    Goal("kws_int8", 0.9, 0.36, 12_500),
    Goal("vww_int8", 0.9, 0.30, 54_000),
    Goal("vww_int8", 0.0, 0.30, 62_000),  # as shipped: 87 % of its weights are zero
    Goal("resnet8_int8", 0.8, 0.32),
)


@pytest.mark.parametrize("goal", GOALS, ids=lambda goal: f"{goal.name}-{goal.share:g}")
def test_zeros_cost_neither_instructions_nor_flash(
    goal: Goal, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")

    fast, small = (
        benched(tmp_path_factory, tinykit, goal.name, goal.share, BuildOptions(optimize=optimize))
        for optimize in ("speed", "balanced")
    )
    assert fast["instructions"] <= goal.ratio * BASELINE[goal.name].instructions
    assert small["flash"]["weights"] <= goal.table_bytes
    for optimize, report in (("speed", fast), ("balanced", small)):
        dense = BuildOptions(optimize=optimize, encoding="dense")
        folder = pruned_build(tmp_path_factory, goal.name, goal.share, dense)
        assert report["flash"]["code"] <= read_record(folder).sizes.code + MORE_CODE


@pytest.mark.parametrize("name", ["kws_int8", pytest.param("vww_int8", marks=pytest.mark.soak)])
def test_activations_are_those_of_tflm(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Its outputs hardly differ from input to input, so they tell little."""
    pytest.importorskip("unicorn")
    options = BuildOptions(optimize="speed", trace=True)
    folder = pruned_build(tmp_path_factory, name, 0.9, options)
    ended = tinykit("verify", folder, "-e", "unicorn", "--layers", "--inputs", "2", "--json")
    assert ended.status == 0, ended.err
    assert ended.json["mismatches"] == 0 and ended.json["layers"] > 10


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
