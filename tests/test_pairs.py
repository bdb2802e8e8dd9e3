"""ADD, SUB and MUL in few instructions equal the reference for every pair of int8 values."""

from itertools import product
from pathlib import Path

import numpy as np
import pytest
from batch import Run, equal_reference, host_outputs, kernel_objects
from draft import Array
from flat import NONE, RELU, FlatModel, FlatOperator, FlatTensor, Options, to_bytes

from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions

# scales of both inputs and of the output: alike, either coarser, halves that round, shifts by 0 and
# by many bits
SCALES = (
    (0.1, 0.1, 0.2),
    (0.1, 0.07, 0.13),
    (0.011, 0.3, 0.25),
    (0.75, 1.0, 1.75),
    (1.0, 0.25, 0.5),
    (2.0, 3e-5, 9.0),
)
EVERY = np.arange(-128, 128).astype(np.int8)
SHAPES = (((256, 256), (256, 256)), ((256, 1), (1, 256)), ((1, 256), (256, 1)))
KERNELS = {
    "ADD": {"tk_add_alike_s8", "tk_sum_plain_s8"},
    "SUB": {"tk_sum_plain_s8"},
    "MUL": {"tk_multiply_plain_s8", "tk_multiply_s8"},
}


def models() -> list[Run]:
    runs = []
    for number, (kind, scales, shapes) in enumerate(product(KERNELS, SCALES, SHAPES)):
        activation = (NONE, RELU)[number % 2]
        zeros = np.random.default_rng(number).integers(-128, 128, 3)
        tensors = tuple(
            FlatTensor(name, shape, "int8", (scale,), (int(zero),))
            for name, shape, scale, zero in zip(
                "abc", (*shapes, (256, 256)), scales, zeros, strict=True
            )
        )
        options = Options(f"{kind.title()}Options", (("FusedActivationFunction", activation),))
        name = f"pair{number:02}"
        operator = FlatOperator(kind, (0, 1), (2,), options)
        data = to_bytes(FlatModel(tensors, (operator,), (0, 1), (2,)), f"{name}_")
        model = compile_model(data, f"{name}.tflite", "0.0.0", LowerOptions())
        assert {layer.kernel for layer in model.program.layers} <= KERNELS[kind]
        runs.append(Run(model, inputs(*shapes)))
    return runs


def inputs(left: tuple[int, ...], right: tuple[int, ...]) -> list[Array]:
    """Return every pair, once."""
    a, b = np.meshgrid(EVERY, EVERY, indexing="ij" if left[0] > 1 else "xy")
    places = [tuple(slice(size) for size in shape) for shape in (left, right)]
    return [a[places[0]][None], b[places[1]][None]]


def test_pairs_in_portable_c_equal_the_reference(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runs = models()
    equal_reference(runs, host_outputs(runs, tmp_path, kernel_objects(tmp_path_factory)))


@pytest.mark.parametrize(
    ("compiler", "core"), [("zig", "cortex_m4"), ("gcc", "cortex_m4"), ("zig", "cortex_m0")]
)
def test_pairs_on_a_core_equal_the_reference(compiler: str, core: str, tmp_path: Path) -> None:
    embedded = pytest.importorskip("embedded")
    runs = models()
    equal_reference(runs, embedded.emulated_outputs(runs, core, "balanced", tmp_path, compiler))
