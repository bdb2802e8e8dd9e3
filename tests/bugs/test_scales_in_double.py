"""TFLM of 2026-10 multiplies and divides scales in double precision, not in single."""

import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, Options, to_bytes

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite
from tinykit.core import oracle

INPUTS = np.arange(-128, 128).astype(np.int8)
ROUNDINGS = 200


def halves(rng: np.random.Generator, factor: float) -> tuple[float, float]:
    """Draw an input and an output scale such that a whole number times the factor is a half."""
    source = np.float32(2.0 ** rng.uniform(-9, -2))
    steps = rng.integers(3, 127) / (rng.integers(1, 120) + 0.5)
    return float(source), float(np.float32(float(source) * factor * steps))


def model(kind: str, rng: np.random.Generator) -> bytes:
    factor = float(np.float32(rng.uniform(0.1, 1.0)))
    weights = FlatTensor("w", (1, 1), "int8", (factor,), (0,), 0, np.ones((1, 1), np.int8))
    options = {
        "FULLY_CONNECTED": Options("FullyConnectedOptions"),
        "LEAKY_RELU": Options("LeakyReluOptions", (("Alpha", factor),)),
    }.get(kind)
    scales = halves(rng, factor if options else 1.0)
    shape = (256, 1)
    tensors = [FlatTensor(n, shape, "int8", (s,), (0,)) for n, s in zip("xy", scales, strict=True)]
    inputs = (0, 2) if kind == "FULLY_CONNECTED" else (0,)
    operator = FlatOperator(kind, inputs, (1,), options)
    return to_bytes(FlatModel((*tensors, weights), (operator,), (0,), (1,)))


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
@pytest.mark.parametrize("kind", ["ABS", "FULLY_CONNECTED", "LEAKY_RELU", "RELU"])
def test_factors_are_not_rounded_on_the_way(kind: str) -> None:
    rng = np.random.default_rng(1)
    models = [model(kind, rng) for _ in range(ROUNDINGS)]
    for data, answers in zip(
        models, oracle.run_many([oracle.Job(m, [INPUTS[None]]) for m in models]), strict=True
    ):
        assert isinstance(answers, oracle.Answers)
        (expected,) = reference.run_batch(import_tflite(data, "net.tflite"), [INPUTS[None]])
        np.testing.assert_array_equal(expected, answers.outputs[0])
