"""An output that is a constant tensor ended the planner with a KeyError."""

from dataclasses import replace

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def test_a_constant_output_is_refused() -> None:
    a = FlatTensor("a", (1, 4), "int8", (1.0,), (0,))
    constant = replace(a, name="fixed", data=np.zeros((1, 4), np.int8))
    operators = (FlatOperator("QUANTIZE", (0,), (1,)),)
    model = FlatModel((a, replace(a, name="b"), constant), operators, (0,), (1, 2))
    with pytest.raises(TinykitError) as caught:
        import_tflite(to_bytes(model), "m.tflite")
    assert caught.value.message == "m.tflite: the output 'fixed' is a constant"
