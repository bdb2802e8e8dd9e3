"""Random models of every operator say on every emulated core what TFLM says, by both toolchains."""

import itertools
import os
import shutil
from dataclasses import replace

import numpy as np
import pytest
from batch import Run, comparable, draw_cases
from cases import Case
from flat import to_bytes
from graphs import ALL

from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions
from tinykit.core import oracle
from tinykit.core.board import find_board

pytest.importorskip("unicorn")
from embedded import CORES, emulated_outputs

_SOAK = bool(os.environ.get("TINYKIT_SOAK"))
_USUAL, _MANY, _MANY_GRAPHS = 5, 40, 100  # models of a strategy
_CHUNK = 200  # models in one image

pytestmark = pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")


# What runs in CI, and which cases; everything else is for soak.
_IN_CI = {
    ("zig", "cortex_m0", "size"): slice(None),
    ("zig", "cortex_m4", "balanced"): slice(None),
    ("gcc", "cortex_m3", "balanced"): slice(0, None, 4),
    ("zig", "riscv32", "balanced"): slice(0, None, 4),
    ("gcc", "cortex_m4", "speed"): slice(1, None, 8),
    ("zig", "cortex_m33", "balanced"): slice(3, None, 8),
    ("gcc", "cortex_m7", "balanced"): slice(5, None, 8),
}
_RUNS = [
    pytest.param(*run, marks=() if run in _IN_CI else pytest.mark.soak)
    for run in itertools.product(("zig", "gcc"), CORES, ("size", "balanced", "speed"))
]


@pytest.mark.parametrize(("compiler", "core", "optimize"), _RUNS)
def test_emulated_cores_equal_tflm(
    compiler: str, core: str, optimize: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    _need(compiler, core)
    cases = [case for kind in sorted(ALL) for case in _drawn(kind)]
    if not _SOAK:
        cases = cases[_IN_CI.get((compiler, core, optimize), slice(None))]
    board = find_board(CORES[core].board)

    def options(case: Case) -> LowerOptions:
        return replace(case.options, dsp=board.dsp, core=board.isa)

    for start in range(0, len(cases), _CHUNK):
        chunk = cases[start : start + _CHUNK]
        files = [to_bytes(case.model, f"c{i:04d}_") for i, case in enumerate(chunk)]
        runs = [
            Run(compile_model(data, f"c{i:04d}.tflite", "0.0.0", options(case)), case.inputs)
            for i, (data, case) in enumerate(zip(files, chunk, strict=True))
        ]
        found = emulated_outputs(runs, core, optimize, tmp_path_factory.mktemp("image"), compiler)
        answers = oracle.run_many(
            [oracle.Job(d, r.inputs) for d, r in zip(files, runs, strict=True)]
        )
        for case, ours, theirs in zip(chunk, found, answers, strict=True):
            assert isinstance(theirs, oracle.Answers), case
            for mine, truth in zip(ours, theirs.outputs, strict=True):
                assert np.array_equal(comparable(mine), comparable(truth)), (core, case)


def _drawn(kind: str) -> list[Case]:
    """Leave out the simplest, which hypothesis draws first."""
    many = _MANY_GRAPHS if kind == "graph" else _MANY
    count = many if _SOAK else _USUAL
    return draw_cases(ALL[kind], 2 * count)[count:]


def _need(compiler: str, core: str) -> None:
    name = "riscv64-unknown-elf-gcc" if core == "riscv32" else "arm-none-eabi-gcc"
    if compiler == "gcc" and shutil.which(name) is None:
        pytest.skip(f"no {name} here")
