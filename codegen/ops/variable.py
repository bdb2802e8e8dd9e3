"""READ_VARIABLE and ASSIGN_VARIABLE of a state, and the operators that say which state it is."""

from dataclasses import dataclass, replace
from typing import Any

import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator, Tensor

_DTYPES = ("int8", "uint8", "int16", "int32", "float32", "bool")


@dataclass(frozen=True, slots=True)
class VarHandle:
    """Attributes of VAR_HANDLE: the variable that its output stands for."""

    container: str
    shared_name: str


@dataclass(frozen=True, slots=True)
class CallOnce:
    """Attributes of CALL_ONCE: the subgraph that sets variables before the first inference."""

    subgraph: int


def _read_handle(options: Any) -> VarHandle:
    if options is None:
        return VarHandle("", "")
    words = (options.Container() or b"", options.SharedName() or b"")
    return VarHandle(*(word.decode(errors="replace") for word in words))


def _read_once(options: Any) -> CallOnce:
    return CallOnce(options.InitSubgraphIndex() if options is not None else -1)


def _check_handle(graph: Graph, operator: Operator) -> None:
    if operator.inputs or len(operator.outputs) != 1:
        raise RefusedError(f"has {len(operator.inputs)} inputs", shared.QUANTIZE)
    handle = graph.tensor(operator.outputs[0])
    if handle.dtype not in ("resource", "int32"):
        raise RefusedError(f"makes the {handle.dtype} handle '{handle.name}'", shared.QUANTIZE)
    if handle.elements != 1:
        raise RefusedError(f"makes {handle.elements} handles at once", shared.QUANTIZE)
    if not operator.attributes.shared_name:
        raise RefusedError("names no variable", shared.QUANTIZE)


def _check_once(_graph: Graph, operator: Operator) -> None:
    if operator.inputs or operator.outputs:
        raise RefusedError(f"has {len(operator.inputs)} inputs", shared.QUANTIZE)


def _check_read(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1,))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if (source.dtype, source.elements) != (target.dtype, target.elements):
        raise RefusedError(f"reads {_text(source)} as {_text(target)}", shared.QUANTIZE)
    _refuse_other_dtypes(source)


def _check_assign(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (2,), outputs=0)
    state, value = graph.tensor(operator.inputs[0]), graph.tensor(operator.inputs[1])
    if (state.dtype, state.elements) != (value.dtype, value.elements):
        raise RefusedError(f"assigns {_text(value)} to {_text(state)}", shared.QUANTIZE)
    _refuse_other_dtypes(state)


def _refuse_other_dtypes(state: Tensor) -> None:
    if state.dtype not in _DTYPES:
        raise RefusedError(f"has the {state.dtype} variable '{state.name}'", "use float32 or int32")


def _text(tensor: Tensor) -> str:
    return f"{tensor.dtype} {tensor.shape} '{tensor.name}'"


def _evaluate_read(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (values[0].reshape(graph.tensor(operator.outputs[0]).shape),)


def _evaluate_assign(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (values[1].reshape(graph.tensor(operator.inputs[0]).shape),)


def _evaluate_nothing(_graph: Graph, _operator: Operator, _values: Arrays) -> Arrays:
    raise AssertionError("codegen/variables.py leaves none of these in a graph")


def _lower_read(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    state, target = operator.inputs[0], operator.outputs[0]
    assert state is not None
    return moving.whole(graph, operator, state, target)


def _lower_assign(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    state, value = operator.inputs
    assert state is not None and value is not None
    return replace(moving.whole(graph, operator, value, state), inputs=(value, state), outputs=())


_LIMITS = "of a state that stays between inferences"

READ_VARIABLE = OpKind(
    options=None,
    read=shared.no_options,
    check=_check_read,
    evaluate=_evaluate_read,
    lower=_lower_read,
    limits=_LIMITS,
)
ASSIGN_VARIABLE = OpKind(
    options=None,
    read=shared.no_options,
    check=_check_assign,
    evaluate=_evaluate_assign,
    lower=_lower_assign,
    limits=_LIMITS,
)
VAR_HANDLE = OpKind(
    options=tflite.VarHandleOptions,
    read=_read_handle,
    check=_check_handle,
    evaluate=_evaluate_nothing,
    lower=None,
    limits="for READ_VARIABLE and ASSIGN_VARIABLE",
)
CALL_ONCE = OpKind(
    options=tflite.CallOnceOptions,
    read=_read_once,
    check=_check_once,
    evaluate=_evaluate_nothing,
    lower=None,
    limits="a subgraph that assigns constants, ahead of their first use",
)
