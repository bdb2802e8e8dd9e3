"""Convolutions with weights in blocks of four inputs are exact, on hosts and on cores with DSP."""

from pathlib import Path

import flat
import numpy as np
import pytest
from batch import Run, host_outputs
from flat import FlatModel, FlatTensor, to_bytes
from probes import PLAIN, Probe, model

from tinykit.codegen import reference
from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions

SHAPES = (  # image, weights, stride, padding, ReLU
    ((6, 6, 8), (5, 3, 3, 8), 1, flat.SAME, True),
    ((5, 7, 3), (4, 3, 3, 3), 1, flat.VALID, False),
    ((9, 4, 6), (3, 2, 5, 6), 2, flat.SAME, True),
    ((3, 5, 16), (7, 1, 1, 16), 1, flat.SAME, False),
    ((2, 3, 5), (9, 1, 1, 5), 1, flat.SAME, False),
    ((2, 2, 1200), (2, 1, 1, 1200), 1, flat.SAME, False),  # steps that a byte does not hold
)


def convolution(number: int) -> FlatModel:
    image, weights, stride, padding, clipped = SHAPES[number]
    rng = np.random.default_rng(number)
    size = [-(-n // stride) if padding == flat.SAME else n - 2 for n in image[:2]]
    options = flat.conv_options((stride, stride), (1, 1), padding)
    target = (1, *size, weights[0])
    layer = model(
        rng, Probe("CONV_2D", (1, *image), weights, target, options, PLAIN, True, clipped)
    )
    tensors = list(layer.tensors)
    values = tensors[1].data.copy().reshape(weights[0], -1)
    values[:] = rng.integers(-128, 128, values.shape)
    blocks = np.repeat(rng.random((len(values), -(-values.shape[1] // 4))) < 0.7, 4, axis=1)
    values[blocks[:, : values.shape[1]]] = 0
    if values.shape[1] > 1024:
        values[:, :1100] = 0
    values[-1] = 0 if number == 0 else values[-1]
    tensors[1] = FlatTensor(
        "w", weights, "int8", tensors[1].scales, tensors[1].zero_points, 0, values.reshape(weights)
    )
    return FlatModel(tuple(tensors), layer.operators, layer.inputs, layer.outputs)


def runs() -> list[Run]:
    rng = np.random.default_rng(9)
    found = []
    for number, (image, *_) in enumerate(SHAPES):
        name = f"blocks{number}"
        options = LowerOptions("balanced", "block", dsp=True)
        data = to_bytes(convolution(number), f"{name}_")
        compiled = compile_model(data, f"{name}.tflite", "0.0.0", options)
        kernels = [layer.kernel for layer in compiled.program.layers]
        assert kernels == ["tk_conv_blocks_s8"]
        found.append(Run(compiled, [rng.integers(-128, 128, (3, *image)).astype(np.int8)]))
    return found


def check(found: list[tuple[np.ndarray, ...]], asked: list[Run]) -> None:
    for run, outputs in zip(asked, found, strict=True):
        (expected,) = reference.run_batch(run.model.graph, run.inputs)
        assert len(np.unique(expected)) > 3
        np.testing.assert_array_equal(outputs[0], expected)


def test_the_portable_twin_is_exact(tmp_path: Path, kernels: list[Path]) -> None:
    asked = runs()
    check(host_outputs(asked, tmp_path, kernels), asked)


def test_cores_with_dsp_instructions_are_exact(tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    from embedded import emulated_outputs

    asked = runs()
    check(emulated_outputs(asked, "cortex_m4", "balanced", tmp_path), asked)
