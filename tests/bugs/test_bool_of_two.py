"""A bool of a byte other than 0 and 1 was true here, and anything in TFLM."""

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def test_a_bool_of_two_is_refused() -> None:
    half = np.array([[0, 1, 2]], np.uint8)
    tensors = (
        FlatTensor("row", (1, 3), "bool"),
        FlatTensor("mask", (1, 3), "bool", data=half),
        FlatTensor("both", (1, 3), "bool"),
    )
    model = FlatModel(tensors, (FlatOperator("LOGICAL_AND", (0, 1), (2,)),), (0,), (2,))
    with pytest.raises(TinykitError, match="the bool tensor 'mask' holds the byte 2"):
        import_tflite(to_bytes(model), "net.tflite")
