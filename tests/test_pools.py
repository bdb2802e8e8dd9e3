"""Pools take four channels at a time: exact for any number of channels, and at the last bit."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from batch import Run, equal_reference, host_outputs, kernel_objects
from draft import Array
from flat import NONE, RELU_N1_TO_1, FlatModel, FlatOperator, FlatTensor, pool_options, to_bytes

from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions

SAME, VALID = 0, 1
# the widest that a sum of 16 bits holds, the next one, one over the edges, one that jumps
WINDOWS = (((16, 16), 1), ((1, 257), 1), ((3, 3), 2), ((2, 5), 3))
CHANNELS = (1, 3, 4, 5, 8, 11)


def models() -> list[Run]:
    runs = []
    for number, (kind, (kernel, stride), channels, activation) in enumerate(
        product(("AVERAGE_POOL_2D", "MAX_POOL_2D"), WINDOWS, CHANNELS, (NONE, RELU_N1_TO_1))
    ):
        padding = SAME if kernel[0] == 3 else VALID
        image = tuple(7 * stride - 7 + size for size in kernel)
        output = (
            tuple(-(-size // stride) for size in image)
            if padding == SAME
            else (
                tuple((size - taps) // stride + 1 for size, taps in zip(image, kernel, strict=True))
            )
        )
        tensors = tuple(
            FlatTensor(name, (1, *shape, channels), "int8", (0.02,), (9,))
            for name, shape in (("a", image), ("b", output))
        )
        options = pool_options(kernel, (stride, stride), padding, activation)
        operator = FlatOperator(kind, (0,), (1,), options)
        name = f"pool{number:02}"
        data = to_bytes(FlatModel(tensors, (operator,), (0,), (1,)), f"{name}_")
        lowered = LowerOptions(dsp=True)
        inputs = extremes((1, *image, channels), number)
        runs.append(Run(compile_model(data, f"{name}.tflite", "0.0.0", lowered), [inputs]))
    return runs


def extremes(shape: tuple[int, ...], seed: int) -> Array:
    """Return the least, the greatest, both at random, and any values."""
    rng = np.random.default_rng(seed)
    least, most = np.full(shape, -128), np.full(shape, 127)
    either = np.where(rng.integers(0, 2, shape) == 1, least, most)
    return np.stack([least, most, either, rng.integers(-128, 128, shape)]).astype(np.int8)


def test_pools_in_portable_c_equal_the_reference(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runs = models()
    equal_reference(runs, host_outputs(runs, tmp_path, kernel_objects(tmp_path_factory)))


@pytest.mark.parametrize(("compiler", "core"), [("zig", "cortex_m4"), ("gcc", "cortex_m4")])
def test_pools_of_words_equal_the_reference(compiler: str, core: str, tmp_path: Path) -> None:
    embedded = pytest.importorskip("embedded")
    runs = models()
    equal_reference(runs, embedded.emulated_outputs(runs, core, "speed", tmp_path, compiler))
