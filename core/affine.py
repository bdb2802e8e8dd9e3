"""The affine map between real numbers and integers: real = scale * (integer - zero_point)."""

from typing import Any

import numpy as np
from numpy.typing import NDArray


def quantize(
    real: NDArray[np.floating], scale: float, zero_point: int, dtype: str = "int8"
) -> NDArray[Any]:
    """Return the nearest integers, saturated; halves away from zero as in TensorFlow Lite."""
    steps = (real.astype(np.float32) / np.float32(scale)).astype(np.float64)
    nearest = np.trunc(steps + np.copysign(0.5, steps)) + zero_point
    limits = np.iinfo(dtype)
    return np.asarray(np.clip(nearest, limits.min, limits.max), dtype)


def dequantize(values: NDArray[np.generic], scale: float, zero_point: int) -> NDArray[np.float32]:
    """Return the real numbers that integers stand for."""
    return (np.float32(scale) * (values.astype(np.int32) - zero_point)).astype(np.float32)
