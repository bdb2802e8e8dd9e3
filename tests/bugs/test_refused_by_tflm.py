"""Models that TFLM refuses, or computes from other numbers than tinykit did, were compiled."""

import numpy as np
import pytest
import tflite
from flat import (
    FlatModel,
    FlatOperator,
    FlatTensor,
    Options,
    dense_options,
    depthwise_options,
    pool_options,
    to_bytes,
)

from tinykit.codegen.importer import import_tflite
from tinykit.core import oracle
from tinykit.core.errors import TinykitError

IMAGE = FlatTensor("image", (1, 4, 4, 2), "int8", (0.5,), (3,))


def constant(shape: tuple[int, ...], dtype: str, scale: float) -> FlatTensor:
    return FlatTensor("constant", shape, dtype, (scale,), (0,), data=np.ones(shape, dtype))


def model(
    kind: str, tensors: tuple[FlatTensor, ...], options: Options | None, target: FlatTensor
) -> bytes:
    numbers = tuple(range(len(tensors)))
    operator = FlatOperator(kind, numbers, (len(tensors),), options)
    return to_bytes(FlatModel((*tensors, target), (operator,), (0,), (len(tensors),)))


def answer(shape: tuple[int, ...], scale: float, zero_point: int = 3) -> FlatTensor:
    return FlatTensor("answer", shape, "int8", (scale,), (zero_point,))


def place(output_type: int) -> bytes:
    axis = FlatTensor("axis", (1,), "int32", data=np.array([3], np.int32))
    target = FlatTensor("answer", (1, 4, 4), "int32")
    options = Options("ArgMaxOptions", (("OutputType", output_type),))
    return model("ARG_MAX", (IMAGE, axis), options, target)


POOL = pool_options((2, 2), (2, 2), 1, 0)
WEIGHTS, BIAS = constant((1, 1, 1, 2), "int8", 1.0), constant((2,), "int32", 0.5)
CASES = {
    "pool to another scale": (
        model("MAX_POOL_2D", (IMAGE,), POOL, answer((1, 2, 2, 2), 0.25)),
        "(MAX_POOL_2D) changes the scale, as TFLM cannot",
    ),
    "pool to another zero point": (
        model("AVERAGE_POOL_2D", (IMAGE,), POOL, answer((1, 2, 2, 2), 0.5, 4)),
        "(AVERAGE_POOL_2D) changes the scale, as TFLM cannot",
    ),
    "bias of another scale": (
        model(
            "FULLY_CONNECTED",
            (IMAGE, constant((2, 32), "int8", 0.25), constant((2,), "int32", 1.0)),
            dense_options(),
            answer((1, 2), 1.0),
        ),
        "(FULLY_CONNECTED) has a bias of the scale 1, not input times weights",
    ),
    "depth multiplier of another shape": (
        model(
            "DEPTHWISE_CONV_2D",
            (IMAGE, WEIGHTS, BIAS),
            depthwise_options(2),
            answer(IMAGE.shape, 1),
        ),
        "(DEPTHWISE_CONV_2D) makes 2 channels of 2, with the depth multiplier 2",
    ),
    "place of no type": (place(-1), "(ARG_MAX) makes int32 of int8, TFLM int32"),
    "softmax without options": (
        model("SOFTMAX", (IMAGE,), None, answer(IMAGE.shape, 1 / 256, -128)),
        "(SOFTMAX) scales its input by 0",
    ),
    "logistic of huge steps": (
        model(
            "LOGISTIC",
            (FlatTensor("image", (1, 4), "int8", (1e30,), (-128,)),),
            None,
            answer((1, 4), 1 / 256, -128),
        ),
        "(LOGISTIC) has the input scale 1e+30, outside of 2^-28 to 2^35",
    ),
}


@pytest.mark.parametrize("case", sorted(CASES))
def test_it_is_refused(case: str) -> None:
    data, message = CASES[case]
    with pytest.raises(TinykitError) as caught:
        import_tflite(data, "net.tflite")
    assert caught.value.message.endswith(message)


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
@pytest.mark.parametrize(
    "case", [case for case in sorted(CASES) if "pool" in case or "bias" in case]
)
def test_tflm_refuses_it_too(case: str) -> None:
    with pytest.raises(TinykitError, match="does not run this model"):
        oracle.run(CASES[case][0], [np.zeros((1, 4, 4, 2), np.int8)])


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_argument_types_are_known_to_tflm() -> None:
    assert oracle.run(place(tflite.TensorType.INT32), [np.zeros((1, 4, 4, 2), np.int8)]).outputs
    with pytest.raises(TinykitError, match="Unsupported data type"):
        oracle.run(place(-1), [np.zeros((1, 4, 4, 2), np.int8)])
