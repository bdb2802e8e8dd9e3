"""Run a Graph in NumPy with the arithmetic of TensorFlow Lite Micro, bit for bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.ops.table import KINDS
from tinykit.core.graph import Graph

Values = dict[int, NDArray[Any]]


def run(graph: Graph, inputs: Sequence[NDArray[Any]], before: Values | None = None) -> Values:
    """Compute every tensor for one sample.

    Args:
        graph: a checked graph.
        inputs: one array an input tensor, of its shape and dtype.
        before: what the inference before this one returned, for a graph with states.

    Returns:
        All tensors by number, constants included.
    """
    values: Values = {n: t.data for n, t in enumerate(graph.tensors) if t.data is not None}
    values.update((s.tensor, before[s.tensor] if before else s.initial) for s in graph.states)
    for number, value in zip(graph.inputs, inputs, strict=True):
        tensor = graph.tensors[number]
        values[number] = value.reshape(tensor.shape).astype(tensor.dtype)
    for operator in graph.operators:
        read = tuple(values[n] if n is not None else np.zeros(0) for n in operator.inputs)
        written = KINDS[operator.kind].evaluate(graph, operator, read)
        values.update(zip((*operator.outputs, *operator.states), written, strict=True))
    return values


def run_all(graph: Graph, inputs: Sequence[NDArray[Any]]) -> list[Values]:
    """Compute every tensor for a batch of samples, in order, states from one to the next."""
    samples: list[Values] = []
    for i in range(len(inputs[0])):
        before = samples[-1] if samples else None
        samples.append(run(graph, [batch[i] for batch in inputs], before))
    return samples


def run_batch(graph: Graph, inputs: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    """Compute the outputs for a batch, in order: inputs and outputs are (samples, ...)."""
    samples = run_all(graph, inputs)
    return tuple(np.stack([values[n] for values in samples]) for n in graph.outputs)
