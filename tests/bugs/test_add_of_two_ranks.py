"""An ADD whose first input has as many values but fewer dimensions than the output was refused."""

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, pair_options, to_bytes

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite
from tinykit.core import oracle


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_the_input_of_the_outputs_shape_is_the_full_one() -> None:
    tensors = (
        FlatTensor("a", (3,), "int8", (0.5,), (1,), data=np.array([5, -7, 90], np.int8)),
        FlatTensor("b", (1, 3), "int8", (0.25,), (-2,)),
        FlatTensor("c", (1, 3), "int8", (0.75,), (3,)),
    )
    operators = (FlatOperator("ADD", (0, 1), (2,), pair_options("ADD")),)
    data = to_bytes(FlatModel(tensors, operators, (1,), (2,)))
    inputs = [np.array([[1, 2, 3], [-128, 0, 127]], np.int8)]
    ours = reference.run_batch(import_tflite(data, "m.tflite"), inputs)[0]
    np.testing.assert_array_equal(ours.ravel(), oracle.run(data, inputs).outputs[0].ravel())
