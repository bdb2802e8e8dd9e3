"""Resource variables become states; what cannot is refused by name."""

from dataclasses import replace

import flat
import numpy as np
import pytest
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes
from models import compiled

from tinykit.codegen import reference
from tinykit.codegen.compile import Compiled
from tinykit.codegen.importer import import_tflite, obstacles
from tinykit.core import oracle
from tinykit.core.errors import TinykitError

FIRST = np.array([[1, 2, 3, 4]], np.int8)
HANDLE = FlatTensor("handle", (), "resource")
TENSORS = (
    FlatTensor("x", (1, 4), "int8", (0.5,), (3,)),
    HANDLE,
    FlatTensor("old", (1, 4), "int8", (0.5,), (3,)),
    FlatTensor("sum", (1, 4), "int8", (1.0,), (3,)),
    FlatTensor("other", (), "resource"),
)
NAME = FlatOperator("VAR_HANDLE", (), (1,), flat.handle_options("memory"))
READ = FlatOperator("READ_VARIABLE", (1,), (2,))
ASSIGN = FlatOperator("ASSIGN_VARIABLE", (1, 0), ())
ADD = FlatOperator("ADD", (0, 2), (3,), flat.pair_options("ADD"))
ONCE = FlatOperator("CALL_ONCE", (), (), flat.once_options(1))
WHILE = FlatOperator("WHILE", (0,), (3,))
SET = FlatModel(
    (HANDLE, FlatTensor("first", (1, 4), "int8", (0.5,), (3,), data=FIRST)),
    (
        FlatOperator("VAR_HANDLE", (), (0,), flat.handle_options("memory")),
        FlatOperator("ASSIGN_VARIABLE", (0, 1), ()),
    ),
    (),
    (),
)


def stream(*operators: FlatOperator, initialiser: FlatModel | None = None) -> bytes:
    others = () if initialiser is None else (initialiser,)
    return to_bytes(FlatModel(TENSORS, operators, (0,), (3,), others))


def kernels(model: Compiled) -> list[str]:
    return [layer.kind for layer in model.program.layers]


def changed(values: FlatTensor) -> FlatModel:
    return replace(SET, tensors=(HANDLE, values))


REFUSALS: dict[str, tuple[bytes, str, str]] = {
    "nothing assigns": (
        stream(NAME, READ, ADD),
        "layer 'old' (READ_VARIABLE) reads the variable 'memory', which nothing assigns",
        "give the variable a constant initial value",
    ),
    "no handle": (
        stream(READ, ADD),
        "layer 'old' (READ_VARIABLE) has no handle of a variable",
        "quantize the model again: tinykit quantize",
    ),
    "no name": (
        stream(replace(NAME, options=flat.handle_options("")), READ, ADD),
        "layer 'var_handle' (VAR_HANDLE) names no variable",
        "quantize the model again: tinykit quantize",
    ),
    "set behind its use": (
        stream(NAME, READ, ONCE, ADD, initialiser=SET),
        "layer 'call_once' (CALL_ONCE) sets 'memory' behind its first use",
        "set it before",
    ),
    "set to another size": (
        stream(
            ONCE,
            NAME,
            READ,
            ASSIGN,
            ADD,
            initialiser=changed(FlatTensor("first", (1, 2), data=FIRST[:, :2])),
        ),
        "layer 'handle' (ASSIGN_VARIABLE) uses the variable 'memory' in two types or sizes",
        "quantize the model again: tinykit quantize",
    ),
    "set to what is computed": (
        stream(ONCE, NAME, READ, ADD, initialiser=changed(FlatTensor("first", (1, 4)))),
        "layer 'call_once' (CALL_ONCE) assigns 'first', which is no constant",
        "give the variable a constant initial value",
    ),
    "set once more inside": (
        stream(ONCE, NAME, READ, ADD, initialiser=replace(SET, operators=(ONCE, *SET.operators))),
        "layer 'call_once' (CALL_ONCE) runs a subgraph with the CALL_ONCE 'call_once'",
        "give the variable a constant initial value",
    ),
    "set by a subgraph that is not there": (
        stream(ONCE, NAME, READ, ADD),
        "layer 'call_once' (CALL_ONCE) runs subgraph 1, which is not there",
        "quantize the model again: tinykit quantize",
    ),
    "two containers": (
        stream(
            NAME,
            FlatOperator("VAR_HANDLE", (), (4,), flat.handle_options("memory", "b")),
            READ,
            ASSIGN,
            ADD,
        ),
        "layer 'var_handle_2' (VAR_HANDLE) names 'memory' of two containers",
        "name it differently",
    ),
    "handle as a number": (
        stream(NAME, replace(ADD, inputs=(0, 1))),
        "layer 'sum' (ADD) takes the handle of a variable",
        "quantize the model again: tinykit quantize",
    ),
    "loop": (
        stream(WHILE, initialiser=SET),
        "layer 'sum' is WHILE, which tinykit cannot compile",
        "unroll the loop: unroll=True in keras.layers.LSTM and GRU",
    ),
    "choice": (
        stream(replace(WHILE, kind="IF"), initialiser=SET),
        "layer 'sum' is IF, which tinykit cannot compile",
        "choose outside of the model",
    ),
}


@pytest.mark.parametrize("rule", sorted(REFUSALS))
def test_a_variable_that_cannot_be_a_state_is_refused(rule: str) -> None:
    data, message, hint = REFUSALS[rule]
    with pytest.raises(TinykitError) as caught:
        import_tflite(data, "net.tflite")
    assert (caught.value.message, caught.value.hint) == (f"net.tflite: {message}", hint)


def test_a_variable_is_read_in_place_where_it_stays_as_it_is() -> None:
    model = compiled(stream(NAME, READ, ADD, ASSIGN), "net")
    assert kernels(model) == ["ADD", "ASSIGN_VARIABLE"]
    assert "tk_add_alike_s8(&sum, handle_state, arena + 0, arena + 4)" in model.files["net.c"]


def test_a_variable_is_copied_where_its_old_value_outlives_it() -> None:
    model = compiled(stream(NAME, READ, ASSIGN, ADD), "net")
    assert kernels(model) == ["READ_VARIABLE", "ASSIGN_VARIABLE", "ADD"]


def test_a_variable_that_only_its_initialiser_assigns_is_a_constant() -> None:
    model = compiled(stream(ONCE, NAME, READ, ADD, initialiser=SET), "net")
    assert (kernels(model), model.graph.states) == (["ADD"], ())
    read = model.program.layers[0].inputs
    assert sum(model.graph.tensors[number].data is not None for number in read) == 1


def test_constants_of_an_initialiser_are_computed() -> None:
    real = FlatTensor("real", (1, 4), "float32", data=np.array([[0.5, -1, 9, 0]], np.float32))
    setter = replace(
        SET,
        tensors=(HANDLE, FlatTensor("first", (1, 4), "int8", (0.5,), (3,)), real),
        operators=(FlatOperator("QUANTIZE", (2,), (1,)), *SET.operators),
    )
    graph = import_tflite(stream(ONCE, NAME, READ, ADD, ASSIGN, initialiser=setter), "net.tflite")
    (state,) = graph.states
    assert state.initial.tolist() == [[4, 1, 21, 3]]


def test_obstacles_are_named_beside_variables() -> None:
    tensors = (*TENSORS, FlatTensor("last", (1, 4), "int8", (1.0,), (3,)))
    gelu = FlatOperator("GELU", (3,), (5,))
    operators = (ONCE, NAME, READ, ADD, gelu, ASSIGN)
    data = to_bytes(FlatModel(tensors, operators, (0,), (5,), (SET,)))
    assert [(each.layer, each.op) for each in obstacles(data, "net.tflite")] == [("last", "GELU")]


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_reset_of_tflm_forgets_what_an_initialiser_has_set() -> None:
    from tflite_micro import runtime

    data = stream(ONCE, NAME, READ, ADD, ASSIGN, initialiser=SET)
    interpreter = runtime.Interpreter.from_bytes(data)
    zeros, found = np.full((1, 4), 3, np.int8), []
    for _ in range(2):
        interpreter.set_input(zeros, 0)
        interpreter.invoke()
        found.append(interpreter.get_output(0).copy())
        interpreter.reset()
    (expected,) = reference.run_batch(import_tflite(data, "net.tflite"), [zeros])
    assert found[0].tobytes() == expected.tobytes()
    assert (found[1] == 3).all()  # the zero point, not FIRST
