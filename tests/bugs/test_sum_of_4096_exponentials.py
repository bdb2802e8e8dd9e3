"""4096 equal classes sum up to 2^31, which no int32 holds; 512 made SOFTMAX shift by 32 bits."""

from pathlib import Path

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, softmax_options, to_bytes
from models import compiled, host_activations

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite
from tinykit.core import oracle
from tinykit.core.errors import TinykitError

OUTPUTS = {"SOFTMAX": (1 / 256, -128), "LOG_SOFTMAX": (1 / 16, 127)}


def model(kind: str, classes: int) -> bytes:
    scale, zero_point = OUTPUTS[kind]
    tensors = (
        FlatTensor("a", (1, classes), "int8", (0.1,), (0,)),
        FlatTensor("b", (1, classes), "int8", (scale,), (zero_point,)),
    )
    options = softmax_options(1.0) if kind == "SOFTMAX" else None
    return to_bytes(FlatModel(tensors, (FlatOperator(kind, (0,), (1,), options),), (0,), (1,)))


@pytest.mark.parametrize("kind", OUTPUTS)
def test_4096_classes_are_refused(kind: str) -> None:
    with pytest.raises(TinykitError, match="has 4096 classes"):
        import_tflite(model(kind, 4096), "m.tflite")


@pytest.mark.parametrize(("kind", "classes"), [("SOFTMAX", 511), ("LOG_SOFTMAX", 4095)])
def test_the_largest_sum_that_tflm_takes_is_exact(kind: str, classes: int, tmp_path: Path) -> None:
    data, values = model(kind, classes), np.full((1, classes), 7, np.int8)
    found = host_activations(compiled(data, "m"), [values], tmp_path)[0][1]
    np.testing.assert_array_equal(
        found, reference.run_batch(import_tflite(data, "m.tflite"), (values,))[0][0]
    )
    if oracle.available():
        (answers,) = oracle.run_many([oracle.Job(data, (values,))])
        assert isinstance(answers, oracle.Answers)
        np.testing.assert_array_equal(found.ravel(), answers.outputs[0].ravel())


@pytest.mark.parametrize("classes", [512, 1000, 4095])
def test_many_equal_classes_have_no_share(classes: int, tmp_path: Path) -> None:
    data, values = model("SOFTMAX", classes), np.full((1, classes), 7, np.int8)
    found = host_activations(compiled(data, "m"), [values], tmp_path)[0][1]
    assert (found == -128).all()
    assert (reference.run_batch(import_tflite(data, "m.tflite"), (values,))[0] == -128).all()
