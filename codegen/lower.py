"""Turn a Graph into a Program: the kernel calls, and which tensors share their bytes."""

from dataclasses import dataclass, field

from tinykit.codegen.layer import Layer, LowerOptions
from tinykit.codegen.ops.table import KINDS
from tinykit.codegen.variables import read_in_place
from tinykit.core.errors import TinykitError
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
    """

    graph: Graph
    layers: tuple[Layer, ...]
    storage: dict[int, int]
    in_state: dict[int, int] = field(default_factory=dict)


def lower(graph: Graph, options: LowerOptions) -> Program:
    """Lower every operator; those that cost nothing become another name for their input."""
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
        layers += calls
        storage.update({number: number for number in operator.outputs})
    if not layers:
        raise TinykitError(
            f"{graph.name} computes nothing: its output is its input", "train a network first"
        )
    return Program(graph, tuple(layers), storage, in_state)


def _calls(graph: Graph, operator: Operator, options: LowerOptions) -> tuple[Layer, ...]:
    lower_operator = KINDS[operator.kind].lower
    if lower_operator is None:
        return ()
    calls = lower_operator(graph, operator, options)
    return (calls,) if isinstance(calls, Layer) else calls
