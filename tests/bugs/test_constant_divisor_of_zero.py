"""A constant int32 divisor with a 0, at which TFLM stops, was compiled."""

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, Options, to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core import oracle
from tinykit.core.errors import CheckFailedError, TinykitError


def quotient() -> bytes:
    tensors = (
        FlatTensor("x", (1, 3), "int32"),
        FlatTensor("divisor", (3,), "int32", data=np.array([5, 0, 7], np.int32)),
        FlatTensor("share", (1, 3), "int32"),
    )
    operator = FlatOperator("DIV", (0, 1), (2,), Options("DivOptions"))
    return to_bytes(FlatModel(tensors, (operator,), (0,), (2,)))


def test_it_is_refused() -> None:
    with pytest.raises(TinykitError, match=r"\(DIV\) divides by the zeros of 'divisor'"):
        import_tflite(quotient(), "net.tflite")


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_tflm_stops() -> None:
    (answer,) = oracle.run_many([oracle.Job(quotient(), (np.ones((1, 1, 3), np.int32),))])
    assert isinstance(answer, CheckFailedError)
