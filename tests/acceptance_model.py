"""Make the model that `tinykit verify --acceptance` puts on boards: host/acceptance.tflite."""

import flat
import numpy as np
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes
from numpy.typing import NDArray

_SCALES = (0.01, 0.02, 0.015, 0.005)


def acceptance_model() -> bytes:
    """Make a network of 1 056 bytes of input: over 1 KB, and small enough for every board."""
    rng = np.random.default_rng(7)
    conv, depthwise = _weights(rng, (4, 3, 3, 1)), _weights(rng, (1, 3, 3, 4))
    dense = _weights(rng, (5, 60))
    dense[rng.random(dense.shape) < 0.8] = 0  # so that sparse weights run too
    tensors = (
        FlatTensor("in", (1, 33, 32, 1), "int8", (0.05,), (-3,)),
        FlatTensor("conv/w", conv.shape, "int8", _SCALES, (0,) * 4, 0, conv),
        _bias("conv/b", rng, tuple(0.05 * scale for scale in _SCALES)),
        FlatTensor("conv", (1, 17, 16, 4), "int8", (0.2,), (-128,)),
        FlatTensor("depthwise/w", depthwise.shape, "int8", _SCALES, (0,) * 4, 3, depthwise),
        _bias("depthwise/b", rng, tuple(0.2 * scale for scale in _SCALES)),
        FlatTensor("depthwise", (1, 17, 16, 4), "int8", (0.4,), (-20,)),
        FlatTensor("pool", (1, 5, 3, 4), "int8", (0.4,), (-20,)),
        FlatTensor("shape", (2,), "int32", data=np.array([1, 60], np.int32)),
        FlatTensor("flat", (1, 60), "int8", (0.4,), (-20,)),
        FlatTensor("score/w", dense.shape, "int8", (0.02,), (0,), 0, dense),
        _bias("score/b", rng, (0.4 * 0.02,) * 5, one_scale=True),
        FlatTensor("score", (1, 5), "int8", (0.5,), (3,)),
        FlatTensor("softmax", (1, 5), "int8", (1 / 256,), (-128,)),
    )
    operators = (
        _op("CONV_2D", (0, 1, 2), 3, flat.conv_options((2, 2), (1, 1), flat.SAME, flat.RELU)),
        _op("DEPTHWISE_CONV_2D", (3, 4, 5), 6, flat.depthwise_options(1, padding=flat.SAME)),
        _op("MAX_POOL_2D", (6,), 7, flat.pool_options((3, 5), (3, 5), flat.VALID, flat.NONE)),
        _op("RESHAPE", (7, 8), 9, None),
        _op("FULLY_CONNECTED", (9, 10, 11), 12, flat.dense_options()),
        _op("SOFTMAX", (12,), 13, flat.softmax_options(0.1)),
    )
    return to_bytes(FlatModel(tensors, operators, (0,), (13,)))


def _op(
    kind: str, inputs: tuple[int, ...], output: int, options: flat.Options | None
) -> FlatOperator:
    return FlatOperator(kind, inputs, (output,), options)


def _weights(rng: np.random.Generator, shape: tuple[int, ...]) -> NDArray[np.int8]:
    return rng.integers(-127, 128, shape).astype(np.int8)


def _bias(
    name: str, rng: np.random.Generator, scales: tuple[float, ...], one_scale: bool = False
) -> FlatTensor:
    values = rng.integers(-2000, 2000, (len(scales),)).astype(np.int32)
    kept = scales[:1] if one_scale else scales
    return FlatTensor(name, values.shape, "int32", kept, (0,) * len(kept), 0, values)
