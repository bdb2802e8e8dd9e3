"""Random models of every operator: reference, C under sanitizers and TFLM agree in every byte."""

import os
from pathlib import Path

import pytest
from batch import draw_cases, judge
from cases import STRATEGIES, Case
from graphs import ALL

from tinykit.codegen.ops.table import KINDS
from tinykit.core import oracle

_USUAL, _GRAPHS = 40, 100  # models that show a mistake
_SOAK_USUAL, _SOAK_GRAPHS = 350, 2000
_COVERED = 50  # operators that the graphs draw in CI, of those in the table
_CHUNK = 200  # models in one program
# whose strategies draw int16 tensors beside others
_INT16_ELSEWHERE = ("CAST", "RESHAPE", "SELECT_V2", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")
_SOAK = bool(os.environ.get("TINYKIT_SOAK"))

pytestmark = pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")


def test_every_operator_has_a_strategy() -> None:
    assert {key.split()[0] for key in STRATEGIES} == {*KINDS}


def test_what_operators_say_of_int16_is_tested() -> None:
    said = {kind for kind, row in KINDS.items() if "int16" in row.limits}
    tested = {key.split()[1] for key in ALL if key.startswith("int16 ")}
    assert tested <= said
    assert said - tested == {*_INT16_ELSEWHERE}


@pytest.mark.parametrize("kind", sorted(ALL))
def test_random_models_equal_tflm(
    kind: str, kernels: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    usual, graphs = (_SOAK_USUAL, _SOAK_GRAPHS) if _SOAK else (_USUAL, _GRAPHS)
    wanted = graphs if kind == "graph" else usual
    few = wanted * 2 if _SOAK else wanted * 3 // 2
    # depthwise filters saturate or vanish more often than others
    many = {"DEPTHWISE_CONV_2D": 2, "dilated": 2, "graph": 3, "int16": 2, "int4": 2}
    drawn = max(few, wanted * many.get(kind.split()[0], 1))
    cases = draw_cases(ALL[kind], drawn)
    _refuse_other_operators(kind, cases)
    verdicts = []
    for start in range(0, len(cases), _CHUNK):
        folder = tmp_path_factory.mktemp(kind)
        verdicts += judge(cases[start : start + _CHUNK], folder, kernels)
    wrong = [verdict for verdict in verdicts if verdict.wrong]
    shown = "\n".join(f"{v.wrong}\n  {v.case!r}" for v in wrong[:3])
    assert not wrong, f"{len(wrong)} of {len(verdicts)} differ\n{shown}"
    assert sum(verdict.counts for verdict in verdicts) >= wanted


def _refuse_other_operators(kind: str, cases: list[Case]) -> None:
    """Fail unless most cases have their operator, and the graphs together nearly all."""
    found = [{operator.kind for operator in case.model.operators} for case in cases]
    if kind == "graph":
        all_found = set().union(*found)
        assert len(all_found) >= _COVERED, f"graphs lack {sorted({*KINDS} - all_found)}"
    else:
        (name,) = {*kind.split()} & {*KINDS}  # beside a type, or what the case is
        assert sum(name in kinds for kinds in found) > len(found) / 2
