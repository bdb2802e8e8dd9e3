"""TFLM makes room for tensors that no operator names, and did not run where that is too much."""

from dataclasses import replace

import pytest
from flat import FlatTensor, to_bytes
from test_importer import conv_model

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def test_a_huge_tensor_that_nobody_uses_is_refused() -> None:
    model = conv_model()
    tensors = (*model.tensors, FlatTensor("spare", (1, 5, 2**30), "int8", (1.0,), (0,)))
    with pytest.raises(TinykitError, match=r"'spare' of shape .* is too large"):
        import_tflite(to_bytes(replace(model, tensors=tensors)), "net.tflite")


def test_an_empty_tensor_that_nobody_uses_is_not() -> None:
    model = conv_model()
    tensors = (*model.tensors, FlatTensor("spare", (0,), "int8", (1.0,), (0,)))
    import_tflite(to_bytes(replace(model, tensors=tensors)), "net.tflite")
