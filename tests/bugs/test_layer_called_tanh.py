"""Layers called "arena", "tanh" or as another layer's table made C that does not compile."""

from pathlib import Path

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, dense_options, to_bytes
from models import compiled, host_activations


@pytest.mark.parametrize(
    "names", [("arena", "tanh"), ("dense", "dense_bias"), ("exp", "net_input")]
)
def test_it_compiles(names: tuple[str, str], tmp_path: Path) -> None:
    weights = np.array([[3, -4], [5, 6]], np.int8)
    scaled = ("int8", (0.5,), (0,))
    tensors = (
        FlatTensor("x", (1, 2), *scaled),
        FlatTensor(names[0], (2, 2), *scaled, data=weights),
        FlatTensor("y", (1, 2), *scaled),
        FlatTensor(names[1], (2, 2), *scaled, data=weights),
        FlatTensor("z", (1, 2), *scaled),
    )
    operators = (
        FlatOperator("FULLY_CONNECTED", (0, 1), (2,), dense_options()),
        FlatOperator("FULLY_CONNECTED", (2, 3), (4,), dense_options()),
    )
    model = compiled(to_bytes(FlatModel(tensors, operators, (0,), (4,))), "net")
    assert len(host_activations(model, [np.array([[1, 2]], np.int8)], tmp_path)) == 1
