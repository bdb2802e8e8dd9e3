"""Comparisons, SELECT_V2 and CAST: what TFLM does not compute is refused by name."""

import pytest
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes

from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def model(kind: str, *tensors: FlatTensor) -> bytes:
    """Make an operator that reads all tensors but the last, which it writes."""
    inputs = tuple(range(len(tensors) - 1))
    operators = (FlatOperator(kind, inputs, (len(inputs),)),)
    return to_bytes(FlatModel(tensors, operators, inputs, (len(inputs),)))


def tensor(
    name: str, dtype: str, scale: float = 0.5, shape: tuple[int, ...] = (1, 4)
) -> FlatTensor:
    scales = (scale,) if dtype == "int8" else ()
    return FlatTensor(name, shape, dtype, scales, (0,) * len(scales))


FIVE = (1, 2, 1, 2, 3)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (
            model("LESS", tensor("a", "bool"), tensor("b", "bool"), tensor("c", "bool")),
            "(LESS) compares the bool tensor 'a'",
        ),
        (
            model("EQUAL", tensor("a", "int8"), tensor("b", "int32"), tensor("c", "bool")),
            "(EQUAL) compares the int32 tensor 'b'",
        ),
        (
            model("EQUAL", tensor("a", "int8", 1.5), tensor("b", "int8"), tensor("c", "bool")),
            "(EQUAL) rescales by 1.5, TFLM wants less than 1",
        ),
        (
            model(
                "EQUAL",
                tensor("a", "int32", shape=FIVE),
                tensor("b", "int32"),
                tensor("c", "bool", shape=FIVE),
            ),
            "(EQUAL) repeats values to (1, 2, 1, 2, 3), TFLM to at most 4 dimensions",
        ),
        (
            model("LOGICAL_AND", tensor("a", "int8"), tensor("b", "bool"), tensor("c", "bool")),
            "(LOGICAL_AND) has the int8 tensor 'a'",
        ),
        (
            model("SELECT_V2", tensor("a", "bool"), *(tensor(n, "int32") for n in "bcd")),
            "(SELECT_V2) moves int32 'b', SELECT_V2 of TFLM int8 and int16 and float32",
        ),
        (
            model("CAST", tensor("a", "uint8"), tensor("b", "int32")),
            "(CAST) has the uint8 tensor 'a', which TFLM cannot convert",
        ),
    ],
)
def test_what_tflm_does_not_compute_is_refused_by_name(data: bytes, words: str) -> None:
    with pytest.raises(TinykitError) as error:
        import_tflite(data, "m.tflite")
    assert words in error.value.message
    assert error.value.hint
