"""The affine map between real numbers and int8: real = scale * (integer - zero_point)."""

import numpy as np
from numpy.typing import NDArray


def quantize(real: NDArray[np.floating], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Return the nearest int8 values, halves to even, saturated."""
    nearest = np.rint(real.astype(np.float64) / scale) + zero_point
    return np.clip(nearest, -128, 127).astype(np.int8)


def dequantize(values: NDArray[np.generic], scale: float, zero_point: int) -> NDArray[np.float32]:
    """Return the real numbers that int8 values stand for."""
    return ((values.astype(np.float64) - zero_point) * scale).astype(np.float32)
