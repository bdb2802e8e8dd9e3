"""A pool with an output of two samples and no input ended in an IndexError."""

import pytest
from flat import VALID, FlatModel, FlatOperator, FlatTensor, pool_options, to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


@pytest.mark.parametrize("inputs", [(), (-1,)])
def test_a_batch_of_nothing_is_refused(inputs: tuple[int, ...]) -> None:
    source = FlatTensor("image", (2, 4, 4, 1), "int8", (0.5,), (3,))
    target = FlatTensor("pooled", (2, 2, 2, 1), "int8", (0.5,), (3,))
    options = pool_options((2, 2), (2, 2), VALID, 0)
    operator = FlatOperator("MAX_POOL_2D", inputs, (1,), options)
    model = FlatModel((source, target), (operator,), (0,), (1,))
    with pytest.raises(TinykitError, match=r"'pooled' \(MAX_POOL_2D\) has (0 inputs|no input)"):
        import_tflite(to_bytes(model), "net.tflite")
