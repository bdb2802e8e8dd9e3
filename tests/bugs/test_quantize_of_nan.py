"""The reference quantized NaN to another value than the kernel, and warned of infinities."""

from pathlib import Path

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes
from models import compiled, host_activations

from tinykit.codegen import reference


@pytest.mark.parametrize("zero_point", [-5, 0, 5])
def test_reference_and_kernel_agree_far_outside(zero_point: int, tmp_path: Path) -> None:
    tensors = (
        FlatTensor("x", (1, 5), "float32"),
        FlatTensor("y", (1, 5), "int8", (0.25,), (zero_point,)),
    )
    operators = (FlatOperator("QUANTIZE", (0,), (1,)),)
    model = compiled(to_bytes(FlatModel(tensors, operators, (0,), (1,))), "net")
    inputs = [np.array([[3e38, -3e38, np.inf, -np.inf, np.nan]], np.float32)]
    expected = reference.run_batch(model.graph, inputs)[0].ravel()
    found = host_activations(model, inputs, tmp_path)[0][1].ravel()
    assert expected.tolist() == found.tolist() == [127, -128, 127, -128, -128]
