"""Three tiny models made of a seed, for whatever needs some model that is always there."""

from collections.abc import Callable

import flat
import numpy as np
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes
from numpy.typing import NDArray

_PROBABILITY = ((1 / 256,), (-128,))  # what TFLite fixes for softmax and logistic


def dense(seed: int = 0, zeros: float = 0.9) -> bytes:
    """Make two dense layers and a softmax: 40 -> 24 -> 3; a share of the first's weights is 0."""
    rng = np.random.default_rng(seed)
    hidden, out = _weights(rng, (24, 40)), _weights(rng, (3, 24))
    hidden[rng.random(hidden.shape) < zeros] = 0
    return to_bytes(
        FlatModel(
            (
                FlatTensor("in", (1, 40), "int8", (0.05,), (-3,)),
                _table("hidden/MatMul", hidden, (0.01,)),
                _bias("hidden/b", rng, 24, (0.05 * 0.01,)),
                FlatTensor("hidden", (1, 24), "int8", (0.1,), (-128,)),
                _table("out/MatMul", out, (0.02,)),
                _bias("out/b", rng, 3, (0.1 * 0.02,)),
                FlatTensor("out", (1, 3), "int8", (0.5,), (4,)),
                FlatTensor("softmax", (1, 3), "int8", *_PROBABILITY),
            ),
            (
                FlatOperator("FULLY_CONNECTED", (0, 1, 2), (3,), flat.dense_options(flat.RELU)),
                FlatOperator("FULLY_CONNECTED", (3, 4, 5), (6,), flat.dense_options()),
                FlatOperator("SOFTMAX", (6,), (7,), flat.softmax_options(1.0)),
            ),
            (0,),
            (7,),
        )
    )


def image(seed: int = 0) -> bytes:
    """Make a convolution, a depthwise one, a pool, a mean and a logistic dense layer."""
    rng = np.random.default_rng(seed)
    scales = (0.01, 0.02, 0.015, 0.005)
    conv, depthwise = _weights(rng, (4, 3, 3, 1)), _weights(rng, (1, 3, 3, 4))
    return to_bytes(
        FlatModel(
            (
                FlatTensor("in", (1, 6, 6, 1), "int8", (0.05,), (-128,)),
                _table("conv/Conv2D", conv, scales),
                _bias("conv/b", rng, 4, tuple(0.05 * scale for scale in scales)),
                FlatTensor("conv", (1, 6, 6, 4), "int8", (0.2,), (-128,)),
                _table("depthwise/Conv2D", depthwise, scales, axis=3),
                _bias("depthwise/b", rng, 4, tuple(0.2 * scale for scale in scales)),
                FlatTensor("depthwise", (1, 6, 6, 4), "int8", (0.6,), (-20,)),
                FlatTensor("pool", (1, 3, 3, 4), "int8", (0.6,), (-20,)),
                FlatTensor("axes", (2,), "int32", data=np.array([1, 2], np.int32)),
                FlatTensor("mean", (1, 4), "int8", (0.5,), (-10,)),
                _table("score/MatMul", _weights(rng, (2, 4)), (0.01,)),
                _bias("score/b", rng, 2, (0.5 * 0.01,)),
                FlatTensor("score", (1, 2), "int8", (0.3,), (0,)),
                FlatTensor("logistic", (1, 2), "int8", *_PROBABILITY),
            ),
            (
                _op("CONV_2D", (0, 1, 2), 3, flat.conv_options((1, 1), (1, 1), flat.SAME, 1)),
                _op("DEPTHWISE_CONV_2D", (3, 4, 5), 6, flat.depthwise_options(1, padding=0)),
                _op("MAX_POOL_2D", (6,), 7, flat.pool_options((2, 2), (2, 2), flat.VALID, 0)),
                _op("MEAN", (7, 8), 9, flat.mean_options(keep_dims=False)),
                _op("FULLY_CONNECTED", (9, 10, 11), 12, flat.dense_options()),
                _op("LOGISTIC", (12,), 13, None),
            ),
            (0,),
            (13,),
        )
    )


def float_sum(seed: int = 0) -> bytes:
    """Make a float input, quantized, shifted by a constant, and turned to float again."""
    rng = np.random.default_rng(seed)
    constant = rng.integers(-128, 128, (5,)).astype(np.int8)
    return to_bytes(
        FlatModel(
            (
                FlatTensor("in", (1, 5), "float32"),
                FlatTensor("quantized", (1, 5), "int8", (0.02,), (7,)),
                FlatTensor("shift", (5,), "int8", (0.01,), (-5,), data=constant),
                FlatTensor("sum", (1, 5), "int8", (0.03,), (0,)),
                FlatTensor("out", (1, 5), "float32"),
            ),
            (
                _op("QUANTIZE", (0,), 1, None),
                _op("ADD", (1, 2), 3, flat.pair_options("ADD", flat.RELU_N1_TO_1)),
                _op("DEQUANTIZE", (3,), 4, None),
            ),
            (0,),
            (4,),
        )
    )


TINY: dict[str, Callable[[], bytes]] = {"dense": dense, "image": image, "float_sum": float_sum}


def _op(
    kind: str, inputs: tuple[int, ...], output: int, options: flat.Options | None
) -> FlatOperator:
    return FlatOperator(kind, inputs, (output,), options)


def _weights(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    return rng.integers(-127, 128, shape).astype(np.int8)


def _table(
    name: str, values: NDArray[np.int8], scales: tuple[float, ...], axis: int = 0
) -> FlatTensor:
    return FlatTensor(name, values.shape, "int8", scales, (0,) * len(scales), axis, values)


def _bias(name: str, rng: np.random.Generator, count: int, scales: tuple[float, ...]) -> FlatTensor:
    values = rng.integers(-2000, 2000, (count,)).astype(np.int32)
    return FlatTensor(name, (count,), "int32", scales, (0,) * len(scales), 0, values)
