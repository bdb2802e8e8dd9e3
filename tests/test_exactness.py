"""Every activation of the reference and of host-compiled C is what TensorFlow Lite Micro says."""

from pathlib import Path

import numpy as np
import pytest
from models import compiled, host_activations, random_inputs, shared_model

from tinykit.codegen import reference
from tinykit.codegen.layer import LowerOptions
from tinykit.core import oracle

SHARED = ("hello_world_int8", "ad01_int8", "kws_int8", "micro_speech_int8", "resnet8_int8")


@pytest.mark.parametrize("encoding", ["auto", "dense"])
@pytest.mark.parametrize("name", [*SHARED, "vww_int8"])
def test_every_activation_equals_tflm(name: str, encoding: str, tmp_path: Path) -> None:
    data = shared_model(name)
    model = compiled(data, name, LowerOptions(encoding=encoding))
    # numpy's resnet8 and vww take seconds a sample, and add nothing over three
    samples = 3 if name in ("resnet8_int8", "vww_int8") else 20
    inputs = random_inputs(model.graph, samples, seed=1)
    if name == "hello_world_int8":
        inputs = [np.arange(-128, 128).astype(np.int8).reshape(256, 1)]
    written = [number for layer in model.program.layers for number in layer.outputs]
    answers = oracle.run(data, inputs, written)
    on_host = host_activations(model, inputs, tmp_path)
    for sample, found in enumerate(on_host):
        expected = reference.run(model.graph, [batch[sample] for batch in inputs])
        for number in written:
            truth = answers.activations[number][sample].ravel()
            np.testing.assert_array_equal(expected[number].ravel(), truth)
            left = model.left_of(number, expected[number])
            np.testing.assert_array_equal(found[number].ravel(), left.ravel())
