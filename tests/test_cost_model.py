"""Predicted costs are those of emulated cores, and no choice that follows from them is a bad one.

If kernels have changed, count again: python tests/counting.py
"""

import itertools
from pathlib import Path
from typing import Any

import pytest
from commands import Tinykit
from models import shared_model
from oneshot import benched, one_shot

from tinykit.codegen.compile import compile_model
from tinykit.codegen.cost import cost_of, read_counts
from tinykit.codegen.layer import LowerOptions
from tinykit.host.build import BuildOptions

pytest.importorskip("unicorn")
from counting import CORES, LEVELS, counted, predicted
from probes import probes

MOST_OFF = 0.05  # of what a layer takes
SHARES = (0.5, 0.6, 0.64, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95)
MODELS = ("ad01_int8", "kws_int8", "resnet8_int8", "vww_int8")
SMALLER = ("size", "balanced")  # no layer is larger than dense
FASTER = ("speed", "balanced")  # no layer is slower than dense
CALL = 4  # instructions around a call, which depend on what registers hold

_RUNS = [
    pytest.param(*run, marks=() if run == ("dsp", "speed") else pytest.mark.soak)
    for run in itertools.product(CORES, LEVELS)
]


def test_every_core_and_level_has_been_counted() -> None:
    counts = read_counts()
    assert set(counts) == set(CORES)
    for core, levels in counts.items():
        assert set(levels) == set(LEVELS)
        kernels = {frozenset(kernels) for kernels in levels.values()}
        assert len(kernels) == 1, core


@pytest.mark.parametrize(("core", "level"), _RUNS)
def test_layers_that_were_not_counted_take_what_is_predicted(
    core: str, level: str, tmp_path: Path
) -> None:
    found = counted(core, level, list(probes(seed=1))[::4], tmp_path)
    assert len(found) > 8
    for kernel, samples in found.items():
        for sample in samples:
            guess = predicted(core, level, kernel, sample.work)
            assert guess == pytest.approx(sample.instructions, rel=MOST_OFF), (kernel, sample)


def choices(
    factory: pytest.TempPathFactory, tinykit: Tinykit, name: str, share: float, optimize: str
) -> list[tuple[dict[str, Any], dict[str, Any]]]:
    """Return each layer with weights as it was built, and its twin of a dense build."""
    built = [
        benched(factory, tinykit, name, share, BuildOptions(optimize=optimize, encoding=encoding))
        for encoding in ("auto", "dense")
    ]
    dense = {layer["name"]: layer for layer in built[1]["layers"]}
    return [(layer, dense[layer["name"]]) for layer in built[0]["layers"] if layer["encoding"]]


def check(
    factory: pytest.TempPathFactory, tinykit: Tinykit, name: str, share: float, optimize: str
) -> None:
    pairs = choices(factory, tinykit, name, share, optimize)
    options = LowerOptions(optimize, dsp=True)
    model = compile_model(one_shot(shared_model(name), share), f"{name}.tflite", "0", options)
    kept = model.program.kept  # what has lost channels may have to be copied: only the whole counts
    narrower = {
        call.name for call in model.program.layers if not kept.keys().isdisjoint(call.inputs)
    }
    for layer, dense in pairs:
        case = (name, share, optimize, layer, dense)
        if optimize in SMALLER:
            assert layer["weights_bytes"] <= dense["weights_bytes"], case
        if optimize in FASTER and layer["name"] not in narrower:
            assert layer["instructions"] <= dense["instructions"] + CALL, case
    if optimize in FASTER:
        more = sum(layer["instructions"] - dense["instructions"] for layer, dense in pairs)
        assert more <= CALL * len(pairs)
    took = {layer["name"]: layer["instructions"] for layer, _ in pairs}
    for call in model.program.layers:
        if call.work:
            guess = cost_of(call, options).instructions
            assert guess == pytest.approx(took[call.name], rel=MOST_OFF), (name, share, call.name)


@pytest.mark.parametrize(("name", "share"), [("ad01_int8", 0.5), ("kws_int8", 0.64)])
def test_no_layer_is_slower_than_dense(
    name: str, share: float, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    check(tmp_path_factory, tinykit, name, share, "speed")


@pytest.mark.soak
@pytest.mark.parametrize("optimize", LEVELS)
@pytest.mark.parametrize("share", SHARES)
@pytest.mark.parametrize("name", MODELS)
def test_promises_hold_whatever_is_zero(
    name: str,
    share: float,
    optimize: str,
    tinykit: Tinykit,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    check(tmp_path_factory, tinykit, name, share, optimize)
