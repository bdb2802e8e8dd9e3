"""Rows of weights that share half-words are exact up to the last sum that fits, or kept apart."""

from pathlib import Path

import numpy as np
import pytest
from batch import Run, host_outputs, kernel_objects
from draft import Array
from flat import FlatModel, FlatOperator, FlatTensor, conv_options, dense_options, to_bytes

from tinykit.codegen import packed, reference
from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions

LONGEST = 516  # rows of weights of 127 whose sum is below 2^23
SCALE, WEIGHT_SCALE, OUT_SCALE = 0.05, 0.01, 33.0  # no output is saturated
JOINED = {"tk_dense_packed_s8", "tk_conv_packed_s8"}


def rows_of(outputs: int, inputs: int, seed: int) -> Array:
    """Return weights whose odd rows reach the greatest sums, beside every kind of even row."""
    rng = np.random.default_rng(seed)
    rows = rng.choice([-128, -1, 0, 1, 127], (outputs, inputs))
    rows[1::4] = 127
    rows[3::4] = -127
    return rows.astype(np.int8)


def model(name: str, kind: str, rows: Array, bias: Array) -> Run:
    outputs, inputs = rows.shape
    image = (1, 2, 3) if kind == "CONV_2D" else (1,)
    shape = (outputs, 1, 1, inputs) if kind == "CONV_2D" else rows.shape
    options = conv_options() if kind == "CONV_2D" else dense_options()
    tensors = (
        FlatTensor("in", (*image, inputs), "int8", (SCALE,), (0,)),
        FlatTensor("w", shape, "int8", (WEIGHT_SCALE,), (0,), data=rows.reshape(shape)),
        FlatTensor("b", (outputs,), "int32", (SCALE * WEIGHT_SCALE,), (0,), data=bias),
        FlatTensor("out", (*image, outputs), "int8", (OUT_SCALE,), (3,)),
    )
    operator = FlatOperator(kind, (0, 1, 2), (3,), options)
    data = to_bytes(FlatModel(tensors, (operator,), (0,), (3,)), f"{name}_")
    options_ = LowerOptions(dsp=True, encoding="dense")
    least, most = (np.full((*image, inputs), value) for value in (-128, 127))
    rng = np.random.default_rng(inputs)
    anything = rng.integers(-128, 128, least.shape)
    values = np.stack([least, most, np.where(anything < 0, least, most), anything])
    compiled = compile_model(data, f"{name}.tflite", "0.0.0", options_)
    return Run(compiled, [values.astype(np.int8)])


def models() -> list[Run]:
    runs = []
    for kind in ("FULLY_CONNECTED", "CONV_2D"):
        for outputs in (1, 2, 3, 4, 7):
            for inputs in (3, 12, LONGEST, LONGEST + 1):
                rows = rows_of(outputs, inputs, len(runs))
                bias = np.zeros(outputs, np.int32)
                bias[1::2] = 511 if inputs == LONGEST else -70_000
                bias[0::2] = 9_000_000  # of even rows any
                run = model(f"joined{len(runs):02}", kind, rows, bias)
                (layer,) = run.model.program.layers
                fits = inputs <= LONGEST or outputs == 1
                assert (layer.kernel in JOINED) == fits, layer
                runs.append(run)
    return runs


def compare(runs: list[Run], found: list[tuple[Array, ...]]) -> None:
    for run, (ours,) in zip(runs, found, strict=True):
        (right,) = reference.run_batch(run.model.graph, run.inputs)
        assert np.array_equal(ours, right), run.model.program.layers[0].summary


def test_joined_rows_in_portable_c_equal_the_reference(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    runs = models()
    compare(runs, host_outputs(runs, tmp_path, kernel_objects(tmp_path_factory)))


@pytest.mark.parametrize(("compiler", "core"), [("zig", "cortex_m4"), ("gcc", "cortex_m33")])
def test_joined_rows_on_a_core_equal_the_reference(
    compiler: str, core: str, tmp_path: Path
) -> None:
    embedded = pytest.importorskip("embedded")
    runs = models()
    compare(runs, embedded.emulated_outputs(runs, core, "balanced", tmp_path, compiler))


def test_rows_are_joined_only_where_it_is_exact() -> None:
    row = np.full((2, LONGEST), 127)
    row[0] = -128
    assert packed.joins(row, np.array([1 << 29, 511]))
    assert packed.joins(row, np.array([0, -511]))
    assert not packed.joins(row, np.array([0, 512]))
    assert not packed.joins(np.array([[-1], [-128]]), np.zeros(2, int))  # a byte cannot hold -129
    assert packed.joins(np.array([[0], [-128]]), np.zeros(2, int))


def test_half_a_word_holds_both_weights() -> None:
    rng = np.random.default_rng(0)
    rows = rng.integers(-127, 128, (6, 21))
    rows[:2, :3] = [[-128, -1, 127], [-127, -127, 127]]
    halves = packed.tile_table(rows, 21, 24, joined=True).values.ravel().view("<i2")
    wider = np.pad(rows, ((0, 0), (0, 3)))
    assert halves.reshape(3, -1).tolist() == ordered(wider[0::2] + 256 * wider[1::2]).tolist()


def ordered(joined: Array) -> Array:
    """Return inputs a b c d of each group as a c b d."""
    return np.asarray(joined.reshape(len(joined), -1, 2, 2).transpose(0, 1, 3, 2)).reshape(3, -1)
