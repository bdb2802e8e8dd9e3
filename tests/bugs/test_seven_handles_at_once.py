"""A variable's handle of seven elements, which TFLM refuses, was compiled."""

from dataclasses import replace

import numpy as np
import pytest
from batch import draw_cases
from cases import STRATEGIES
from flat import to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core import oracle
from tinykit.core.errors import CheckFailedError, TinykitError


def seven_handles() -> tuple[bytes, tuple[np.ndarray, ...]]:
    case = draw_cases(STRATEGIES["READ_VARIABLE"], 1)[0]
    handles = {o.outputs[0] for o in case.model.operators if o.kind == "VAR_HANDLE"}
    tensors = tuple(
        replace(t, shape=(7,)) if n in handles else t for n, t in enumerate(case.model.tensors)
    )
    return to_bytes(replace(case.model, tensors=tensors)), case.inputs


def test_they_are_refused() -> None:
    with pytest.raises(TinykitError, match=r"\(VAR_HANDLE\) makes 7 handles at once"):
        import_tflite(seven_handles()[0], "net.tflite")


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_tflm_refuses_them_too() -> None:
    (answer,) = oracle.run_many([oracle.Job(*seven_handles())])
    assert isinstance(answer, CheckFailedError)
    assert "NumElements" in answer.message
