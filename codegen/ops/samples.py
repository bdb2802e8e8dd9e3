"""Run an operator of one sample on a batch: sample by sample, or on all samples' rows at once."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.codegen.share import renamed
from tinykit.core.graph import Graph, Operator, Tensor

_MOST_CALLS = 64  # of a kernel, one for each sample


@dataclass(frozen=True, slots=True)
class _Batch:
    """Hold where an operator of one sample has its batch.

    Attributes:
        kind: the operator of one sample.
        window: its geometry.
        source: the position of the input that has the batch.
        shape: the position of the input that says the output's shape, if there is one.
    """

    kind: OpKind
    window: Callable[[Graph, Operator], shared.Window]
    source: int
    shape: int | None

    def count(self, graph: Graph, operator: Operator) -> int:
        """Return how many samples there are, 1 where input and output are missing or disagree."""
        numbers = (*operator.inputs[self.source : self.source + 1], *operator.outputs)
        if len(numbers) != 2 or None in numbers:
            return 1
        found = {graph.tensor(n).shape[:1] for n in numbers}
        return int(np.prod(found.pop())) if len(found) == 1 else 1

    def reshaped(self, graph: Graph, operator: Operator, samples: int, rows: int) -> Graph:
        """Return a graph in which so many samples go, of so many times the rows."""
        tensors = list(graph.tensors)
        for number in (operator.inputs[self.source], operator.outputs[0]):
            assert number is not None
            tensors[number] = _reshaped(tensors[number], samples, rows)
        if self.shape is not None and operator.inputs[self.shape] is not None:
            number = operator.inputs[self.shape]
            assert number is not None
            if tuple(_values(tensors[number])) == graph.tensor(operator.outputs[0]).shape:
                shape = np.array(tensors[operator.outputs[0]].shape, np.int32)
                tensors[number] = replace(tensors[number], data=shape)
        return replace(graph, tensors=tuple(tensors))

    def one(self, graph: Graph, operator: Operator) -> Graph:
        """Return a graph in which the operator has one sample."""
        if self.count(graph, operator) == 1:
            return graph
        return self.reshaped(graph, operator, 1, 1)

    def check(self, graph: Graph, operator: Operator) -> None:
        self.kind.check(self.one(graph, operator), operator)
        count = self.count(graph, operator)
        if count > _MOST_CALLS and not self._rows_apart(graph, operator):
            raise RefusedError(
                f"has a batch of {count}, the most is {_MOST_CALLS}",
                "use a kernel one row high, or fewer samples at once",
            )

    def evaluate(self, graph: Graph, operator: Operator, values: Arrays) -> Arrays:
        one, before, behind = self.one(graph, operator), self.source, self.source + 1
        outputs = [
            self.kind.evaluate(one, operator, (*values[:before], sample, *values[behind:]))[0]
            for sample in np.split(values[before], self.count(graph, operator))
        ]
        return (np.concatenate(outputs),)

    def lower(
        self, graph: Graph, operator: Operator, options: LowerOptions
    ) -> Layer | tuple[Layer, ...]:
        assert self.kind.lower is not None
        count = self.count(graph, operator)
        if count > 1 and self._rows_apart(graph, operator):
            image = self.reshaped(graph, operator, 1, count)
            return self.kind.lower(image, operator, options)
        layer = self.kind.lower(self.one(graph, operator), operator, options)
        assert isinstance(layer, Layer)
        if count == 1:
            return layer
        return tuple(_part(graph, layer, number, count) for number in range(count))

    def _rows_apart(self, graph: Graph, operator: Operator) -> bool:
        """Tell whether each row is computed of one row, so that all samples are one image."""
        view, count = self.window(self.one(graph, operator), operator), self.count(graph, operator)
        rows = view.kernel[0] == view.stride[0] == 1 and view.image[0] == view.output[0]
        return rows and view.pad[0] == 0 and count * view.image[0] <= shared.MOST_SIZE


def by_sample(
    kind: OpKind,
    window: Callable[[Graph, Operator], shared.Window],
    source: int = 0,
    shape: int | None = None,
) -> OpKind:
    """Let an operator of one sample take batches.

    Args:
        kind: the operator.
        window: returns its geometry, of one sample.
        source: the position of the input that has the batch.
        shape: the position of the input that says the output's shape, if there is one.
    """
    batch = _Batch(kind, window, source, shape)
    return replace(kind, check=batch.check, evaluate=batch.evaluate, lower=batch.lower)


def _reshaped(tensor: Tensor, samples: int, rows: int) -> Tensor:
    height = (length * rows for length in tensor.shape[1:2])
    return replace(tensor, shape=(samples, *height, *tensor.shape[2:]))


def _values(tensor: Tensor) -> list[int]:
    return [] if tensor.data is None else [int(n) for n in tensor.data.ravel()]


def _part(graph: Graph, layer: Layer, number: int, count: int) -> Layer:
    """Return the call for one sample; no two calls may have their tensors in one place."""
    name = layer.name if number == 0 else f"{layer.name}_part{number + 1}"
    names = {f"{layer.name}_{table.name}": f"{name}_{table.name}" for table in layer.tables}
    whole = [graph.tensors[n].bytes for n in (*layer.inputs, *layer.outputs)]
    return replace(
        layer,
        name=name,
        fields=renamed(layer.fields, names),
        starts=tuple(size // count * number for size in whole),
        access=(),
    )
