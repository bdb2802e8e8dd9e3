"""Random models of every operator say on emulated cores what TFLM says: Cortex-M4 and Cortex-M0."""

import os
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

_USUAL, _SOAK = 2, 20  # models of a strategy
_CHUNK = 200  # models in one image

pytestmark = pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")


@pytest.mark.parametrize(
    ("core", "optimize"),
    [
        ("cortex_m0", "size"),
        ("cortex_m4", "balanced"),
        pytest.param("cortex_m0", "speed", marks=pytest.mark.soak),
        pytest.param("cortex_m4", "speed", marks=pytest.mark.soak),
    ],
)
def test_emulated_cores_equal_tflm(
    core: str, optimize: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    count = _SOAK if os.environ.get("TINYKIT_SOAK") else _USUAL
    # the simplest that hypothesis draws come first
    cases = [case for kind in sorted(ALL) for case in draw_cases(ALL[kind], 2 * count)[count:]]
    dsp = find_board(CORES[core].board).dsp

    def options(case: Case) -> LowerOptions:
        return replace(case.options, dsp=dsp)

    for start in range(0, len(cases), _CHUNK):
        chunk = cases[start : start + _CHUNK]
        files = [to_bytes(case.model, f"c{i:04d}_") for i, case in enumerate(chunk)]
        runs = [
            Run(compile_model(data, f"c{i:04d}.tflite", "0.0.0", options(case)), case.inputs)
            for i, (data, case) in enumerate(zip(files, chunk, strict=True))
        ]
        found = emulated_outputs(runs, core, optimize, tmp_path_factory.mktemp("image"))
        answers = oracle.run_many(
            [oracle.Job(d, r.inputs) for d, r in zip(files, runs, strict=True)]
        )
        for case, ours, theirs in zip(chunk, found, answers, strict=True):
            assert isinstance(theirs, oracle.Answers), case
            for mine, truth in zip(ours, theirs.outputs, strict=True):
                assert np.array_equal(comparable(mine), comparable(truth)), (core, case)
