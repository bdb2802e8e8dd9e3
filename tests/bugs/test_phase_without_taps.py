"""A transposed convolution smaller than its stride has outputs of no input: cores ran away."""

from pathlib import Path

import flat
import numpy as np
import pytest
from batch import Run
from flat import to_bytes
from probes import PLAIN, Probe, model

from tinykit.codegen import reference
from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions

pytest.importorskip("unicorn")
from embedded import emulated_outputs


def test_outputs_of_no_input_are_biases(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    options = flat.transpose_conv_options((2, 2), flat.SAME, flat.NONE)
    layer = Probe("TRANSPOSE_CONV", (1, 3, 3, 4), (8, 1, 1, 4), (1, 6, 6, 8), options, PLAIN)
    apart = model(rng, layer)
    inputs = [rng.integers(-128, 128, (2, 3, 3, 4)).astype(np.int8)]
    runs = []
    for encoding in ("dense", "sparse"):
        chosen = LowerOptions("balanced", encoding)
        data = to_bytes(apart, f"{encoding}_")
        runs.append(Run(compile_model(data, f"{encoding}.tflite", "0.0.0", chosen), inputs))
    for run, found in zip(
        runs, emulated_outputs(runs, "cortex_m3", "balanced", tmp_path), strict=True
    ):
        expected = reference.run_batch(run.model.graph, inputs)
        np.testing.assert_array_equal(found[0], expected[0])
