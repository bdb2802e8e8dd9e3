"""A dimension of more than 65 535 was written into a 16-bit member of a kernel's record."""

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, dense_options, to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def test_a_layer_of_65_536_inputs_is_refused() -> None:
    weights = np.zeros((1, 65536), np.int8)
    tensors = (
        FlatTensor("a", (1, 65536), "int8", (1.0,), (0,)),
        FlatTensor("w", weights.shape, "int8", (1.0,), (0,), data=weights),
        FlatTensor("b", (1, 1), "int8", (1.0,), (0,)),
    )
    operators = (FlatOperator("FULLY_CONNECTED", (0, 1), (2,), dense_options()),)
    with pytest.raises(TinykitError) as caught:
        import_tflite(to_bytes(FlatModel(tensors, operators, (0,), (2,))), "m.tflite")
    assert caught.value.message == (
        "m.tflite: layer 'w' (FULLY_CONNECTED) is 65536 long in one dimension, the most is 65535"
    )
