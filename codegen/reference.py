"""Run a Graph in NumPy with the arithmetic of TensorFlow Lite Micro, bit for bit."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.ops.table import KINDS
from tinykit.core.graph import Graph

Values = dict[int, NDArray[Any]]


def run(graph: Graph, inputs: Sequence[NDArray[Any]]) -> Values:
    """Compute every tensor for one sample.

    Args:
        graph: a checked graph.
        inputs: one array an input tensor, of its shape and dtype.

    Returns:
        All tensors by number, constants included.
    """
    values: Values = {n: t.data for n, t in enumerate(graph.tensors) if t.data is not None}
    for number, value in zip(graph.inputs, inputs, strict=True):
        tensor = graph.tensors[number]
        values[number] = value.reshape(tensor.shape).astype(tensor.dtype)
    for operator in graph.operators:
        read = tuple(values[n] if n is not None else np.zeros(0) for n in operator.inputs)
        written = KINDS[operator.kind].evaluate(graph, operator, read)
        values.update(zip(operator.outputs, written, strict=True))
    return values


def run_batch(graph: Graph, inputs: Sequence[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    """Compute the outputs for a batch: inputs and outputs are (samples, ...)."""
    samples = [run(graph, [batch[i] for batch in inputs]) for i in range(len(inputs[0]))]
    return tuple(np.stack([values[n] for values in samples]) for n in graph.outputs)
