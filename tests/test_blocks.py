"""Weights in blocks of four inputs decode to the weights, and kernels that read them are exact."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import flat
import numpy as np
import pytest
from batch import Run, host_outputs
from flat import FlatModel, to_bytes
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from probes import ODD, PLAIN, Probe, model

from tinykit.codegen import reference
from tinykit.codegen.compile import compile_model
from tinykit.codegen.encode import as_blocks
from tinykit.codegen.layer import LowerOptions

PROFILE = settings(derandomize=True, deadline=None, database=None)
Matrix = NDArray[np.int8]
BLOCK, SEGMENT = 4, 255
CORES = (("cortex_m0", "armv6m"), ("cortex_m3", "armv7m"), ("riscv32", "riscv32"))
WHOLE = (  # image, weights, stride, padding, ReLU; or inputs, outputs, ReLU
    ((6, 6, 8), (5, 3, 3, 8), 1, flat.SAME, True),
    ((9, 4, 6), (3, 2, 4, 6), 2, flat.SAME, True),
    ((3, 5, 16), (7, 1, 1, 16), 1, flat.SAME, False),
    ((2, 2, 1200), (2, 1, 1, 1200), 1, flat.SAME, False),  # several segments, steps of stops
    (4, 9, False),
    (64, 10, True),
    (640, 30, False),
    (1200, 5, False),
    (4 * SEGMENT, 3, True),
)
FILLED = (  # for kernels that fill rows of the window up to whole blocks
    ((5, 7, 3), (4, 3, 3, 3), 1, flat.VALID, False),
    ((9, 4, 6), (3, 2, 5, 6), 2, flat.SAME, True),
    ((2, 3, 5), (9, 1, 1, 5), 1, flat.SAME, False),
)


def probes(dsp: bool) -> Iterator[Probe]:
    for number, shape in enumerate((*WHOLE, *FILLED) if dsp else WHOLE):
        style = ODD if number % 4 == 2 and shape in WHOLE else PLAIN
        if len(shape) == 3:
            inputs, outputs, clipped = shape
            sizes = ((1, inputs), (outputs, inputs), (1, outputs))
            yield Probe("FULLY_CONNECTED", *sizes, flat.dense_options(), style, clipped, clipped)
            continue
        image, weights, stride, padding, clipped = shape
        size = [-(-n // stride) if padding == flat.SAME else n - 2 for n in image[:2]]
        options = flat.conv_options((stride, stride), (1, 1), padding)
        sizes = ((1, *image), weights, (1, *size, weights[0]))
        yield Probe("CONV_2D", *sizes, options, style, True, clipped)


def in_blocks(number: int, probe: Probe) -> FlatModel:
    """Make a layer most of whose weights are zero in whole blocks."""
    rng = np.random.default_rng(number)
    made = model(rng, probe)
    rows = rng.integers(-128, 128, (probe.weights[0], int(np.prod(probe.weights[1:]))))
    gone = np.repeat(rng.random((len(rows), -(-rows.shape[1] // BLOCK))) < 0.7, BLOCK, axis=1)
    rows[gone[:, : rows.shape[1]]] = 0
    if rows.shape[1] > 1024:
        rows[0, :1100] = 0
    rows[-1] = 0 if number == 0 else rows[-1]
    tensors = list(made.tensors)
    tensors[1] = replace(tensors[1], data=rows.astype(np.int8).reshape(probe.weights))
    return replace(made, tensors=tuple(tensors))


def runs(dsp: bool, core: str) -> list[Run]:
    rng = np.random.default_rng(9)
    found = []
    for number, probe in enumerate(probes(dsp)):
        name = f"blocks{number}"
        options = LowerOptions("balanced", "block", dsp, core)
        data = to_bytes(in_blocks(number, probe), f"{name}_")
        compiled = compile_model(data, f"{name}.tflite", "0.0.0", options)
        assert [layer.encoding for layer in compiled.program.layers] == ["block"]
        found.append(Run(compiled, [rng.integers(-128, 128, (3, *probe.image)).astype(np.int8)]))
    kernels = {call.kernel for run in found for call in run.model.program.layers}
    plain = {"tk_block_plain_s8", "tk_conv_block_tile_s8"} if dsp else set()
    assert kernels == {"tk_block_s8", "tk_conv_block_s8", *plain}
    return found


def check(found: list[tuple[np.ndarray, ...]], asked: list[Run]) -> None:
    for run, outputs in zip(asked, found, strict=True):
        (expected,) = reference.run_batch(run.model.graph, run.inputs)
        assert len(np.unique(expected)) > 1
        np.testing.assert_array_equal(outputs[0], expected)


@st.composite
def matrices(draw: st.DrawFn) -> Matrix:
    inputs = draw(st.one_of(st.integers(1, 40), st.sampled_from((1016, 1020, 1024, 2100))))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    rows = rng.integers(-128, 128, (draw(st.integers(1, 5)), inputs)).astype(np.int8)
    rows[rng.random(rows.shape) < draw(st.sampled_from((0.0, 0.5, 0.9, 0.99, 1.0)))] = 0
    return rows


@PROFILE
@given(matrices())
def test_weights_survive(rows: Matrix) -> None:
    """Undo the encoding with no help from the encoder, as the kernel walks the tables."""
    tables = {table.name: table.values for table in as_blocks(rows).tables}
    segments = -(-rows.shape[1] // (BLOCK * SEGMENT))
    found = np.zeros((len(rows), segments * SEGMENT, BLOCK), np.int8)
    at = 0
    for place, count in enumerate(tables["counts"].tolist()):
        row, segment = divmod(place, segments)
        for _ in range(count):
            block = found[row, segment * SEGMENT + int(tables["indices"][at])]
            block[:] = tables["weights"][BLOCK * at : BLOCK * at + BLOCK]
            assert block.any()
            at += 1
    assert at in (len(tables["indices"]), 0)
    filled = found.reshape(len(rows), -1)
    np.testing.assert_array_equal(filled[:, : rows.shape[1]], rows)
    assert not filled[:, rows.shape[1] :].any()


@pytest.mark.parametrize("dsp", [False, True])
def test_hosts_are_exact(dsp: bool, tmp_path: Path, kernels: list[Path]) -> None:
    asked = runs(dsp, "armv7m")
    check(host_outputs(asked, tmp_path, kernels), asked)


@pytest.mark.parametrize(("core", "isa"), [("cortex_m4", "armv7m"), *CORES])
def test_cores_are_exact(core: str, isa: str, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    from embedded import emulated_outputs

    asked = runs(core == "cortex_m4", isa)
    check(emulated_outputs(asked, core, "balanced", tmp_path), asked)
