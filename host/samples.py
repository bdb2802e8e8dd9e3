"""Inputs for a compiled model: a data set made ready for it, or seeded random ones."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core import affine
from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph, Operator, Tensor
from tinykit.core.score import kind_of


@dataclass(frozen=True, slots=True)
class Samples:
    """Hold inputs as the model takes them.

    Attributes:
        inputs: one array an input tensor, (samples, ...) in the tensor's dtype.
        y: labels or targets, None where there are none.
        labels: the names of the classes.
        source: "data" or "random".
    """

    inputs: tuple[NDArray[Any], ...]
    y: NDArray[np.generic] | None
    labels: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        """Return the number of samples."""
        return len(self.inputs[0])

    def part(self, begin: int, end: int) -> "Samples":
        """Return the samples from one to before another, as far as there are."""
        y = None if self.y is None else self.y[begin:end]
        inputs = tuple(batch[begin:end] for batch in self.inputs)
        return Samples(inputs, y, self.labels, self.source)

    def row(self, sample: int) -> bytes:
        """Return one sample's bytes, all inputs one after the other."""
        return b"".join(batch[sample].tobytes() for batch in self.inputs)


def from_dataset(graph: Graph, data: DataSet, name: str, limit: int | None = None) -> Samples:
    """Make a data set ready.

    Args:
        graph: the model, with one input.
        data: the samples.
        name: the data set's file name, for messages.
        limit: how many samples to take, from the first; None takes all.

    Raises:
        TinykitError: the model has several inputs, or the shapes or dtypes do not fit.
    """
    if len(graph.inputs) != 1:
        raise TinykitError(
            f"{graph.name} has {len(graph.inputs)} inputs, {name} has one x",
            "leave --data out: random inputs are used",
        )
    tensor = graph.tensors[graph.inputs[0]]
    if data.x.shape[1:] != tensor.sample_shape:
        raise TinykitError(
            f"{name}: x has shape {data.x.shape}, the model takes (samples, "
            f"{', '.join(str(n) for n in tensor.sample_shape)})",
            "reshape x, or give the data set that the model was trained with",
        )
    count = len(data) if limit is None else min(limit, len(data))
    x = _in_dtype(data.x[:count], tensor, name)
    y = None if data.y is None else data.y[:count]
    if y is not None:  # now, not after a long run
        kind_of((count, *graph.tensors[graph.outputs[0]].sample_shape), y)
    return Samples((x,), y, data.labels, "data")


def random_samples(graph: Graph, count: int, seed: int) -> Samples:
    """Make seeded inputs that fill the range of quantized integers; float inputs are normal."""
    rng = np.random.default_rng(seed)
    inputs = tuple(_random(graph, number, count, rng) for number in graph.inputs)
    return Samples(inputs, None, (), "random")


def _random(graph: Graph, number: int, count: int, rng: np.random.Generator) -> NDArray[Any]:
    tensor = graph.tensors[number]
    shape = (count, *tensor.sample_shape)
    if tensor.dtype == "float32":
        return rng.normal(size=shape).astype(np.float32)
    if tensor.dtype == "bool":
        return rng.integers(0, 2, shape).astype(np.bool_)
    low, high = np.iinfo(tensor.dtype).min, np.iinfo(tensor.dtype).max
    if tensor.dtype == "int32":  # numbers of things
        low, high = 0, _places(graph, number) - 1
    return rng.integers(low, high + 1, shape, dtype=tensor.dtype)


def _places(graph: Graph, number: int) -> int:
    """Return how many rows all tables have that are read at a tensor's places, 100 without any."""
    readers = (o for o in graph.operators if o.inputs[1:2] == (number,))
    return min((n for o in readers for n in taken_lengths(graph, o)), default=100)


def taken_lengths(graph: Graph, operator: Operator) -> tuple[int, ...]:
    """Return how long the axes are along which an operator takes places, if it is one that does."""
    if operator.kind not in ("GATHER", "GATHER_ND"):
        return ()
    shape, positions = (graph.tensor(number).shape for number in operator.inputs)
    if operator.kind == "GATHER_ND":
        return shape[: positions[-1]]
    return (shape[operator.attributes.axis],)


def _in_dtype(x: NDArray[Any], tensor: Tensor, name: str) -> NDArray[Any]:
    if x.dtype == tensor.dtype:
        return x
    if tensor.quantization is not None and x.dtype == np.float32:
        return affine.quantize(x, tensor.scale, tensor.zero_point, tensor.dtype)
    hint = "save x as float32" if tensor.quantization else f"save x as {tensor.dtype}"
    raise TinykitError(f"{name}: x is {x.dtype}, the model takes {tensor.dtype}", hint)
