"""Random models of every operator: reference, C under sanitizers and TFLM agree in every byte."""

import os
from pathlib import Path

import cases16
import pytest
from batch import draw_cases, judge, kernel_objects
from cases import STRATEGIES

from tinykit.codegen.ops.table import KINDS
from tinykit.core import oracle

COUNT = {"graph": 60}
_USUAL = 40
_CHUNK = 200  # models in one program
_ALL = {**STRATEGIES, **{f"int16 {kind}": s for kind, s in cases16.STRATEGIES.items()}}
_SOAK = int(os.environ.get("TINYKIT_SOAK", "0"))

pytestmark = pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")


@pytest.fixture(scope="module")
def kernels(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return kernel_objects(tmp_path_factory.mktemp("kernels"))


def test_every_operator_has_a_strategy() -> None:
    assert set(STRATEGIES) == {*KINDS, "graph"}


@pytest.mark.parametrize("kind", sorted(_ALL))
def test_random_models_equal_tflm(
    kind: str, kernels: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    wanted = _SOAK or COUNT.get(kind, _USUAL)
    drawn = {"graph": wanted * 3, "int16": wanted * 2}.get(kind.split()[0], wanted * 3 // 2)
    cases = draw_cases(_ALL[kind], drawn)
    verdicts = []
    for start in range(0, len(cases), _CHUNK):
        folder = tmp_path_factory.mktemp(kind)
        verdicts += judge(cases[start : start + _CHUNK], folder, kernels)
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    shown = "\n".join(f"{v.wrong}\n  {v.case!r}" for v in wrong[:3])
    assert not wrong, f"{len(wrong)} of {len(verdicts)} differ\n{shown}"
    assert sum(verdict.counts for verdict in verdicts) >= wanted
