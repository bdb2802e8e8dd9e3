"""A factor of 2^31 or more made the kernel shift an int32 by more than 31 bits."""

import pytest
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def _quantize(scale: float) -> bytes:
    tensors = (
        FlatTensor("a", (1, 4), "int8", (scale,), (0,)),
        FlatTensor("b", (1, 4), "int8", (1.0,), (0,)),
    )
    return to_bytes(FlatModel(tensors, (FlatOperator("QUANTIZE", (0,), (1,)),), (0,), (1,)))


def test_the_largest_factor_is_kept() -> None:
    assert import_tflite(_quantize(2.0**29), "m.tflite")


@pytest.mark.parametrize("scale", [2.0**30, 2.0**31, 2.0**127])
def test_larger_factors_are_refused(scale: float) -> None:
    with pytest.raises(TinykitError, match=r"rescales by .*, TFLM by less than 2\^30"):
        import_tflite(_quantize(scale), "m.tflite")
