"""Operators of one value refuse what TFLM cannot compute, and say why."""

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, leaky_relu_options, to_bytes

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite
from tinykit.core.errors import TinykitError


def model(kind: str, source: tuple[float, int], target: tuple[float, int], alpha: float) -> bytes:
    tensors = (
        FlatTensor("a", (1, 4), "int8", source[:1], source[1:]),
        FlatTensor("b", (1, 4), "int8", target[:1], target[1:]),
    )
    options = leaky_relu_options(alpha) if kind == "LEAKY_RELU" else None
    return to_bytes(FlatModel(tensors, (FlatOperator(kind, (0,), (1,), options),), (0,), (1,)))


@pytest.mark.parametrize(
    ("kind", "source", "target", "alpha", "words"),
    [
        ("LOGISTIC", (0.1, 0), (1 / 256, 0), 0, "has the output zero point 0, TFLM wants -128"),
        ("TANH", (2.0**-29, 0), (1 / 128, 0), 0, "has the input scale 1.86265e-09, outside"),
        ("RELU", (2.0**30, 0), (1.0, 0), 0, "rescales by 1.07374e+09"),
        ("RELU", (2.0**100, 0), (2.0**-100, 0), 0, "rescales by 1.60694e+60"),
        ("RELU6", (2.0**-30, 0), (2.0**-30, 0), 0, "too fine"),
        ("ABS", (2.0**30, 0), (1.0, 0), 0, "rescales by 1.07374e+09"),
        ("LEAKY_RELU", (1.0, 0), (1.0, 0), 2.0**30, "rescales by 1.07374e+09"),
        ("LEAKY_RELU", (1.0, 0), (1.0, 0), float("nan"), "rescales by nan"),
        ("HARD_SWISH", (128.0, 0), (0.9, 0), 0, "too far apart for TFLM"),
        ("HARD_SWISH", (1.0, 0), (2.0**10, 0), 0, "too far apart for TFLM"),
        ("ELU", (2.0**15, 0), (0.9, 0), 0, "rescales by 36408.9"),
        ("RSQRT", (1.0, 0), (2.0**13, 0), 0, "rescales by 0.00012207, TFLM by 2^-12 to 2^50"),
        ("RSQRT", (2.0**-140, 0), (2.0**-120, 0), 0, "rescales by 1.56928e+57"),
    ],
)
def test_what_tflm_cannot_compute_is_refused(
    kind: str, source: tuple[float, int], target: tuple[float, int], alpha: float, words: str
) -> None:
    with pytest.raises(TinykitError, match=f"'b' \\({kind}\\)") as error:
        import_tflite(model(kind, source, target, alpha), "m.tflite")
    assert words in error.value.message


def test_root_of_a_value_below_zero_is_that_of_zero() -> None:
    graph = import_tflite(model("RSQRT", (0.1, 3), (0.1, -128), 0), "m.tflite")
    values = np.array([[[-100, 2, 3, 4]]], np.int8)
    assert reference.run_batch(graph, (values,))[0].ravel().tolist() == [127, 127, 127, -96]
