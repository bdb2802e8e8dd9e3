"""TFLM of 2026-10 multiplies and divides scales in double precision, not in single."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from flat import (
    RELU,
    FlatModel,
    FlatOperator,
    FlatTensor,
    Options,
    leaky_relu_options,
    lstm_options,
    svdf_options,
    to_bytes,
)

from tinykit.codegen import reference
from tinykit.codegen.importer import import_tflite
from tinykit.core import fixedpoint, oracle

INPUTS = np.arange(-128, 128).astype(np.int8)
ROUNDINGS = 200
SLOW = ("RSQRT", "SVDF", "UNIDIRECTIONAL_SEQUENCE_LSTM")  # a tenth of the models


def tensor(name: str, shape: tuple[int, ...], scale: float, zero_point: int = 0) -> FlatTensor:
    return FlatTensor(name, shape, "int8", (scale,), (zero_point,))


def single(value: float) -> float:
    return float(np.float32(value))


def some_scale(rng: np.random.Generator) -> float:
    return single(2.0 ** rng.uniform(-9, -2))


def some_steps(rng: np.random.Generator) -> float:
    """Draw what makes a half of a whole number."""
    return float(rng.integers(3, 127) / (rng.integers(1, 120) + 0.5))


def with_one(kind: str, rng: np.random.Generator, options: Options | None = None) -> bytes:
    """Draw an operator that multiplies with the scale of a constant one, or with alpha."""
    factor = single(rng.uniform(0.1, 1.0))
    one = FlatTensor("w", (1, 1), "int8", (factor,), (0,), 0, np.ones((1, 1), np.int8))
    scale = some_scale(rng)
    if kind == "LEAKY_RELU":
        options = leaky_relu_options(factor)
    target = tensor("y", (256, 1), single(scale * factor * some_steps(rng)))
    inputs = (0,) if kind == "LEAKY_RELU" else (0, 2)
    operator = FlatOperator(kind, inputs, (1,), options)
    return to_bytes(FlatModel((tensor("x", (256, 1), scale), target, one), (operator,), (0,), (1,)))


def alone(kind: str, scale: float, target: float, zero_point: int = 0) -> bytes:
    tensors = (tensor("x", (256, 1), scale, zero_point), tensor("y", (256, 1), target, -20))
    return to_bytes(FlatModel(tensors, (FlatOperator(kind, (0,), (1,)),), (0,), (1,)))


def rescaled(kind: str, rng: np.random.Generator) -> bytes:
    scale = some_scale(rng)
    return alone(kind, scale, single(scale * some_steps(rng)))


def hard_swish(kind: str, rng: np.random.Generator) -> bytes:
    """Draw a factor halfway between two multipliers of 15 bits."""
    scale, half = some_scale(rng), rng.integers(2**14, 2**15) + 0.5
    return alone(kind, scale, single(scale / 128 / half * 2.0 ** rng.integers(20, 23)))


def rsqrt(kind: str, rng: np.random.Generator) -> bytes:
    """Draw scales such that the root of one input is rescaled to just below a half."""
    scale, half = some_scale(rng), rng.integers(1, 60) + 0.5
    root, shift = fixedpoint.inverse_square_root(int(rng.integers(2, 127)))
    share = int(fixedpoint.requantize(np.ones((), np.int64), root, shift + 20))
    right = 20 - math.frexp(half * 2**20 / share)[1]
    steps = share / 2**20 / (half - 0.5 / 2**right)
    return alone(kind, scale, single(steps / math.sqrt(scale)), -128)


def svdf(kind: str, rng: np.random.Generator) -> bytes:
    """Draw filters of rank one that remember one step."""
    scale, weight_scale, time_scale = (some_scale(rng) for _ in range(3))
    state_scale = single(scale * weight_scale * some_steps(rng))
    bias_scale = single(state_scale * time_scale)
    target_scale = single(bias_scale * some_steps(rng))
    features = np.arange(1, 9).astype(np.int8).reshape(8, 1)
    times, bias = np.ones((8, 1), np.int16), np.zeros(8, np.int32)
    tensors = (
        tensor("x", (1, 1), scale),
        tensor("y", (1, 8), target_scale),
        FlatTensor("features", (8, 1), "int8", (weight_scale,), (0,), 0, features),
        FlatTensor("times", (8, 1), "int16", (time_scale,), (0,), 0, times),
        FlatTensor("bias", (8,), "int32", (bias_scale,), (0,), 0, bias),
        FlatTensor("state", (1, 8), "int16", (state_scale,), (0,), variable=True),
    )
    operator = FlatOperator(kind, (0, 2, 3, 4, 5), (1,), svdf_options(1, RELU))
    return to_bytes(FlatModel(tensors, (operator,), (0,), (1,)))


def lstm(kind: str, rng: np.random.Generator) -> bytes:
    """Draw a cell whose gates are open; it adds up what lies near a half, so that it shows."""
    weight = int(rng.integers(3, 20))
    scale, half = some_scale(rng), rng.integers(weight // 2, weight) + 0.5
    weight_scale = single(half / weight / 4096 / scale)
    tensors, inputs = [tensor("x", (1, 60, 1), scale)], [-1] * 24
    inputs[0] = 0
    constants = {n: np.full((1, 1), weight if n == 3 else 0, np.int8) for n in range(1, 9)}
    constants |= {n: np.full(1, 0 if n == 14 else 10**6, np.int32) for n in range(12, 16)}
    for place, data in constants.items():
        inputs[place] = len(tensors)
        dtype = str(data.dtype)
        tensors.append(FlatTensor(f"w{place}", data.shape, dtype, (weight_scale,), (0,), 0, data))
    inputs[18], inputs[19] = len(tensors), len(tensors) + 1
    tensors.append(FlatTensor("hidden", (1, 1), "int8", (2.0**-7,), (0,), variable=True))
    tensors.append(FlatTensor("cell", (1, 1), "int16", (2.0**-15,), (0,), variable=True))
    tensors.append(tensor("y", (1, 60, 1), 2.0**-7))
    operator = FlatOperator(kind, tuple(inputs), (len(tensors) - 1,), lstm_options(0.0, False))
    return to_bytes(FlatModel(tuple(tensors), (operator,), (0,), operator.outputs))


MODELS: dict[str, Callable[[str, np.random.Generator], bytes]] = {
    "ABS": rescaled,
    "BATCH_MATMUL": with_one,
    "FULLY_CONNECTED": with_one,
    "HARD_SWISH": hard_swish,
    "LEAKY_RELU": with_one,
    "RELU": rescaled,
    "RSQRT": rsqrt,
    "SVDF": svdf,
    "UNIDIRECTIONAL_SEQUENCE_LSTM": lstm,
}


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
@pytest.mark.parametrize("kind", MODELS)
def test_factors_are_not_rounded_on_the_way(kind: str) -> None:
    rng = np.random.default_rng(1)
    models = [MODELS[kind](kind, rng) for _ in range(ROUNDINGS // (10 if kind in SLOW else 1))]
    graphs = [import_tflite(data, "net.tflite") for data in models]
    (shape,) = {graph.tensor(graph.inputs[0]).shape for graph in graphs}
    values = np.ones((1, *shape), np.int8) if 60 in shape else INPUTS.reshape(-1, *shape)
    answers = oracle.run_many([oracle.Job(data, [values]) for data in models])
    for graph, answer in zip(graphs, answers, strict=True):
        assert isinstance(answer, oracle.Answers)
        (expected,) = reference.run_batch(graph, [values])
        np.testing.assert_array_equal(expected, answer.outputs[0])
