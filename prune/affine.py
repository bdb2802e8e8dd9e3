"""The map between numbers and their int8 codes: value = scale * (code - zero_point)."""

import numpy as np
from numpy.typing import NDArray


def quantize(x: NDArray[np.floating], scale: float, zero_point: int) -> NDArray[np.int8]:
    """Return the int8 codes nearest to `x`, halves away from zero, as TensorFlow Lite has it."""
    steps = x.astype(np.float32) / np.float32(scale)
    nearest = np.trunc(steps + np.copysign(np.float32(0.5), steps))
    return np.clip(nearest + zero_point, -128, 127).astype(np.int8)


def dequantize(codes: NDArray[np.int8], scale: float, zero_point: int) -> NDArray[np.float32]:
    """Return the numbers that int8 codes stand for."""
    return (np.float32(scale) * (codes.astype(np.int32) - zero_point)).astype(np.float32)
