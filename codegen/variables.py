"""Make states of resource variables: what VAR_HANDLE names, CALL_ONCE sets, and others use."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.fold import folded
from tinykit.codegen.layer import RefusedError
from tinykit.codegen.ops.shared import QUANTIZE
from tinykit.codegen.ops.table import KINDS
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph, Operator, State, Tensor, check_tensor

_USERS = ("READ_VARIABLE", "ASSIGN_VARIABLE")
_GONE = ("VAR_HANDLE", "CALL_ONCE")
Values = dict[str, NDArray[np.generic]]


@dataclass(frozen=True, slots=True)
class _Handles:
    """Hold which variable each handle stands for, by tensor number."""

    names: dict[int | None, str]

    def of(self, operator: Operator) -> str:
        """Return the variable that an operator reads or assigns."""
        if not operator.inputs or operator.inputs[0] not in self.names:
            raise RefusedError("has no handle of a variable", QUANTIZE)
        return self.names[operator.inputs[0]]


def with_states(graph: Graph, initialisers: Mapping[int, Graph]) -> Graph:
    """Return the graph with states in the place of its resource variables.

    A variable that only initialisers assign becomes a constant.

    Args:
        graph: as in the file, unchecked.
        initialisers: the subgraphs that CALL_ONCE runs, by number.

    Raises:
        TinykitError: a layer uses a variable in a way that cannot be compiled; it is named.
    """
    if not any(operator.kind in (*_USERS, *_GONE) for operator in graph.operators):
        return graph
    handles = _handles(graph)
    initial: Values = {}
    used: set[str] = set()
    for operator in graph.operators:
        try:
            if operator.kind in _USERS:
                used.add(handles.of(operator))
            elif operator.kind == "CALL_ONCE":
                initial.update(_run_once(graph, operator, initialisers, used))
            elif operator.kind != "VAR_HANDLE" and set(operator.inputs) & handles.names.keys():
                raise RefusedError("takes the handle of a variable", QUANTIZE)
        except RefusedError as error:
            raise _refused(operator, error) from error
    return _replaced(graph, handles, initial)


def _handles(graph: Graph) -> _Handles:
    names: dict[int | None, str] = {}
    containers: dict[str, str] = {}
    for operator in graph.operators:
        if operator.kind != "VAR_HANDLE":
            continue
        try:
            KINDS["VAR_HANDLE"].check(graph, operator)
            name, container = operator.attributes.shared_name, operator.attributes.container
            if containers.setdefault(name, container) != container:
                raise RefusedError(f"names '{name}' of two containers", "name it differently")
        except RefusedError as error:
            raise _refused(operator, error) from error
        names[operator.outputs[0]] = name
    return _Handles(names)


def _run_once(
    caller: Graph, once: Operator, initialisers: Mapping[int, Graph], used: set[str]
) -> Values:
    """Return what a subgraph assigns."""
    KINDS["CALL_ONCE"].check(caller, once)
    number = once.attributes.subgraph
    if number not in initialisers:
        raise RefusedError(f"runs subgraph {number}, which is not there", QUANTIZE)
    graph = initialisers[number]
    handles = _handles(graph)
    assigned: Values = {}
    for operator in graph.operators:
        if operator.kind == "ASSIGN_VARIABLE":
            name = handles.of(operator)
            if name in used:
                raise RefusedError(f"sets '{name}' behind its first use", "set it before")
            assigned[name] = _constant(graph, operator)
        elif operator.kind != "VAR_HANDLE":
            graph = _folded(graph, operator)
    return assigned


def _constant(graph: Graph, assign: Operator) -> NDArray[np.generic]:
    if len(assign.inputs) != 2:
        raise RefusedError(f"assigns {len(assign.inputs) - 1} values", QUANTIZE)
    value = graph.tensor(assign.inputs[1])
    if value.data is None:
        raise RefusedError(f"assigns '{value.name}', which is no constant", _CONSTANT)
    check_tensor(value)
    return value.data


def _folded(graph: Graph, operator: Operator) -> Graph:
    for number in (*operator.inputs, *operator.outputs):
        if number is not None:
            check_tensor(graph.tensor(number))
    constant = None
    if operator.kind not in (*_USERS, *_GONE):
        try:
            KINDS[operator.kind].check(graph, operator)
            constant = folded(graph, operator)
        except RefusedError as error:
            raise RefusedError(
                f"runs a subgraph whose layer '{operator.name}' ({operator.kind}) {error.what}",
                error.hint,
            ) from error
    if constant is None:
        raise RefusedError(f"runs a subgraph with the {operator.kind} '{operator.name}'", _CONSTANT)
    return constant


_CONSTANT = "give the variable a constant initial value"


def _replaced(graph: Graph, handles: _Handles, initial: Values) -> Graph:
    tensors, states = list(graph.tensors), []
    numbers: dict[str, int] = {}
    operators: list[Operator] = []
    assigned = {handles.of(o) for o in graph.operators if o.kind == "ASSIGN_VARIABLE"}
    for operator, name, value in _uses(graph, handles):
        if name not in numbers:
            numbers[name] = len(tensors)
            try:
                first = _initial(value, name, initial, assigned)
            except RefusedError as error:
                raise _refused(operator, error) from error
            if name in assigned:
                states.append(State(len(tensors), first))
            data = None if name in assigned else first
            tensors.append(replace(value, name=name, data=data))
    for operator in graph.operators:
        if operator.kind in _USERS:
            operators.append(_bound(operator, numbers[handles.of(operator)]))
        elif operator.kind not in _GONE:
            operators.append(operator)
    return replace(
        graph,
        tensors=tuple(tensors),
        operators=tuple(operators),
        states=(*graph.states, *states),
    )


def _uses(graph: Graph, handles: _Handles) -> list[tuple[Operator, str, Tensor]]:
    """Return who uses a variable, which, and what it holds there; all that assign come first."""
    found = []
    for kind in ("ASSIGN_VARIABLE", "READ_VARIABLE"):
        for operator in (o for o in graph.operators if o.kind == kind):
            numbers = operator.inputs[1:] if kind == "ASSIGN_VARIABLE" else operator.outputs
            if len(numbers) != 1 or numbers[0] is None:
                error = RefusedError(f"has {len(numbers)} values for its variable", QUANTIZE)
                raise _refused(operator, error)
            found.append((operator, handles.of(operator), graph.tensor(numbers[0])))
    return found


def _initial(value: Tensor, name: str, initial: Values, assigned: set[str]) -> NDArray[np.generic]:
    """Return a variable's value before the first inference.

    Without an initialiser TFLM fills it with the zero point of what is assigned first, byte by
    byte whatever the type.
    """
    check_tensor(value)
    if name in initial:
        if (initial[name].dtype, initial[name].size) != (np.dtype(value.dtype), value.elements):
            raise RefusedError(f"uses the variable '{name}' in two types or sizes", QUANTIZE)
        return initial[name].reshape(value.shape)
    if name not in assigned:
        raise RefusedError(f"reads the variable '{name}', which nothing assigns", _CONSTANT)
    zero_point = value.quantization.zero_points[0] if value.quantization else 0
    return np.full(value.bytes, zero_point & 0xFF, np.uint8).view(value.dtype).reshape(value.shape)


def _bound(operator: Operator, number: int) -> Operator:
    """Return the operator with the variable's tensor in the place of its handle."""
    states = (number,) if operator.kind == "ASSIGN_VARIABLE" else ()
    return replace(operator, inputs=(number, *operator.inputs[1:]), states=states)


def _refused(operator: Operator, error: RefusedError) -> TinykitError:
    return TinykitError(f"layer '{operator.name}' ({operator.kind}) {error.what}", error.hint)


def read_in_place(graph: Graph, views: Sequence[bool]) -> dict[int, int]:
    """Return which tensors can be read where their variable lies, and its number.

    A value that is read must stay as it is while it is needed, so it is copied if the variable is
    assigned before the last use, or if it is an output of the model.

    Args:
        graph: with states.
        views: for each operator, whether its output is its input seen with another shape.
    """
    found: dict[int, int] = {}
    for place, operator in enumerate(graph.operators):
        if operator.kind == "READ_VARIABLE" and operator.inputs[0] is not None:
            held = _held(graph, views, place)
            found.update(dict.fromkeys(held, operator.inputs[0]))
    return found


def _held(graph: Graph, views: Sequence[bool], place: int) -> set[int]:
    """Return what one READ_VARIABLE gives and all views of it; nothing if it must be copied."""
    state, held = graph.operators[place].inputs[0], {*graph.operators[place].outputs}
    assigned = False
    for operator, view in zip(graph.operators[place + 1 :], views[place + 1 :], strict=True):
        if held.intersection(operator.inputs):
            if assigned:
                return set()
            if view:
                held.update(operator.outputs)
        assigned = assigned or state in operator.states
    return set() if held.intersection(graph.outputs) else held
