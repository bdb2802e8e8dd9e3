"""The affine map between real numbers and int8: real = scale * (integer - zero_point)."""

import numpy as np
from numpy.typing import NDArray


def quantize(real: NDArray[np.floating], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Return the nearest int8 values, saturated; halves away from zero as in TensorFlow Lite."""
    steps = (real.astype(np.float32) / np.float32(scale)).astype(np.float64)
    nearest = np.trunc(steps + np.copysign(0.5, steps)) + zero_point
    return np.asarray(np.clip(nearest, -128, 127), np.int8)


def dequantize(values: NDArray[np.generic], scale: float, zero_point: int) -> NDArray[np.float32]:
    """Return the real numbers that int8 values stand for."""
    return (np.float32(scale) * (values.astype(np.int32) - zero_point)).astype(np.float32)
