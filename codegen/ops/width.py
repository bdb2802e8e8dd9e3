"""What int8 and int16 activations have different: their range, their sums and their kernels."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.layer import RefusedError
from tinykit.core import fixedpoint
from tinykit.core.graph import Tensor

Ints = NDArray[np.int64]
_QUANTIZE = "quantize the model again: tinykit quantize"


@dataclass(frozen=True, slots=True)
class Width:
    """Hold what differs with the type of the activations; weights are int8 beside both.

    Attributes:
        dtype: the activations' type.
        bytes: of one.
        low, high: their range.
        reach: the largest distance of a value from its zero point.
        bias: the type of biases, and of sums.
        most_sum: the greatest sum that TFLM computes without overflow.
        most_shift: the farthest that TFLM shifts a sum to the left.
        multiplier: how kernels keep multipliers: in 32 bits, or in the 16 that TFLM uses of them.
        requantize: scales sums by (multiplier, shift), as they are kept.
    """

    dtype: str
    bytes: int
    low: int
    high: int
    reach: int
    bias: str
    most_sum: int
    most_shift: int
    multiplier: str
    requantize: Callable[[Ints, Ints, Ints], Ints]

    def kernel(self, name: str) -> str:
        """Return the name of a kernel for these activations, given that for int8."""
        return name if self.dtype == "int8" else name.replace("_s8", "_s16")

    def record(self, name: str) -> str:
        """Return the name of a kernel's record, given that for int8."""
        return name if self.dtype == "int8" else name.replace("_layer", "_s16_layer")

    def pair(self, factor: float) -> tuple[int, int]:
        """Split a factor into (multiplier, shift) as the kernels keep them."""
        multiplier, shift = fixedpoint.quantize_multiplier(factor)
        if self.multiplier == "int16":
            multiplier = fixedpoint.narrow_multiplier(multiplier)
        return multiplier, shift


INT8 = Width(
    dtype="int8",
    bytes=1,
    low=-128,
    high=127,
    reach=255,
    bias="int32",
    most_sum=fixedpoint.INT32_MAX,
    most_shift=30,
    multiplier="int32",
    requantize=fixedpoint.requantize,
)
INT16 = Width(
    dtype="int16",
    bytes=2,
    low=fixedpoint.INT16_MIN,
    high=fixedpoint.INT16_MAX,
    reach=-fixedpoint.INT16_MIN,
    bias="int64",
    most_sum=2**47 - 1,
    most_shift=7,
    multiplier="int16",
    requantize=fixedpoint.requantize_wide,
)
_WIDTHS = {"int8": INT8, "int16": INT16}


def width_of(tensor: Tensor) -> Width:
    """Return the width of activations that have been checked."""
    return _WIDTHS[tensor.dtype]


def refuse_other_activations(*tensors: Tensor) -> None:
    """Raise unless all tensors are int8, or all int16 with zero points of 0, each of one scale."""
    for tensor in tensors:
        if tensor.dtype not in _WIDTHS or tensor.dtype != tensors[0].dtype:
            raise RefusedError(f"has the {tensor.dtype} tensor '{tensor.name}'", _QUANTIZE)
        if tensor.quantization is None or len(tensor.quantization.scales) != 1:
            raise RefusedError(f"has no single scale for '{tensor.name}'", _QUANTIZE)
        if tensor.dtype == "int16" and tensor.zero_point != 0:
            raise RefusedError(
                f"has the zero point {tensor.zero_point} for the int16 tensor '{tensor.name}', "
                "TFLM wants 0",
                _QUANTIZE,
            )
