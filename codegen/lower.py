"""Turn a Graph into a Program: the kernel calls, and which tensors share their bytes."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.layer import Layer, LowerOptions
from tinykit.codegen.ops.table import KINDS
from tinykit.codegen.share import with_shared_tables
from tinykit.codegen.simplify import Simplified
from tinykit.codegen.variables import read_in_place
from tinykit.core.graph import Graph, Operator


@dataclass(frozen=True, slots=True)
class Program:
    """Hold a network as kernel calls.

    Attributes:
        graph: what it was made of.
        layers: the calls, in order.
        storage: for each tensor that lives in the arena, the tensor whose bytes it shares (itself,
            unless it is a view, as RESHAPE makes them).
        in_state: for each tensor that is read where a state lies, the state.
        digest: of the graph as imported.
        kept: the channels that are left of the tensors that have lost some; see Simplified.
        left_out: the layers that are not computed: PADs in front of windows, and what nobody reads.
    """

    graph: Graph
    layers: tuple[Layer, ...]
    storage: dict[int, int]
    in_state: dict[int, int] = field(default_factory=dict)
    digest: str = ""
    kept: dict[int, NDArray[np.int64]] = field(default_factory=dict)
    left_out: tuple[str, ...] = ()

    @property
    def removed_channels(self) -> int:
        """Return how many output channels all layers with weights have lost."""
        return sum(layer.removed_channels for layer in self.layers if layer.encoding)


def lower(simple: Simplified, options: LowerOptions) -> Program:
    """Lower every operator; those that cost nothing become another name for their input."""
    graph = simple.graph
    whole = {operator.name: operator for operator in simple.model.operators}
    layers: list[Layer] = []
    storage = {number: number for number in graph.inputs}
    all_calls = [_calls(graph, operator, options) for operator in graph.operators]
    in_state = read_in_place(graph, [not calls for calls in all_calls])
    for operator, calls in zip(graph.operators, all_calls, strict=True):
        if operator.outputs and operator.outputs[0] in in_state:
            continue
        if not calls:
            assert operator.inputs[0] is not None
            storage[operator.outputs[0]] = storage[operator.inputs[0]]
            continue
        layers += _beside(simple, operator, whole[operator.name], calls)
        storage.update({number: number for number in operator.outputs})
    computed = {operator.name for operator in graph.operators}
    left_out = tuple(name for name in whole if name not in computed)
    digest = simple.model.digest()
    return Program(
        graph, with_shared_tables(layers), storage, in_state, digest, simple.kept, left_out
    )


def _beside(
    simple: Simplified, operator: Operator, whole: Operator, calls: tuple[Layer, ...]
) -> tuple[Layer, ...]:
    """Say what an operator has lost; the multiply-accumulates stay those of the model."""
    if operator.inputs == whole.inputs and simple.kept.keys().isdisjoint(operator.outputs):
        return calls
    number, (first, *rest) = operator.outputs[0], calls
    before = simple.model.tensors[number].shape, simple.graph.tensors[number].shape
    lost = before[0][-1] - before[1][-1] if before[0] else 0
    macs = first.macs
    if macs:
        left = simple.graph.tensor(operator.inputs[1]).elements
        macs = macs * simple.model.tensor(whole.inputs[1]).elements // left
    return (replace(first, macs=macs, removed_channels=lost), *rest)


def _calls(graph: Graph, operator: Operator, options: LowerOptions) -> tuple[Layer, ...]:
    lower_operator = KINDS[operator.kind].lower
    if lower_operator is None:
        return ()
    calls = lower_operator(graph, operator, options)
    return (calls,) if isinstance(calls, Layer) else calls
