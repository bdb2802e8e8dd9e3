"""Write a model as an application on TensorFlow Lite Micro: the file as an array, its operators."""

import json
from dataclasses import dataclass

import numpy as np

from tinykit.codegen.emit import PLAN_SCHEMA
from tinykit.codegen.importer import import_steps, import_tflite
from tinykit.codegen.names import model_name
from tinykit.codegen.render import render
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph, Operator

# The words of operators' names that MicroMutableOpResolver does not just capitalise.
_WORDS = {"2D": "2D", "CUMSUM": "CumSum", "LSTM": "LSTM", "MATMUL": "MatMul", "PADV2": "PadV2"}
# Operators of which TFLM has registrations that leave everything but int8 out of the image, by
# the inputs that must be int8 for it (tensorflow/lite/micro/kernels/*.h, Register_*_INT8).
_INT8_INPUTS = {
    "ADD": (0, 1),
    "AVERAGE_POOL_2D": (0,),
    "BATCH_MATMUL": (0, 1),
    "CONV_2D": (0, 1),
    "DEPTHWISE_CONV_2D": (0, 1),
    "FULLY_CONNECTED": (0, 1),
    "MAXIMUM": (0, 1),
    "MAX_POOL_2D": (0,),
    "MINIMUM": (0, 1),
    "MUL": (0, 1),
    "PAD": (0,),
    "SOFTMAX": (0,),
    "SVDF": (0, 1),
    "TRANSPOSE": (0,),
    "TRANSPOSE_CONV": (1, 2),
    "UNIDIRECTIONAL_SEQUENCE_LSTM": (0, 2),
}
_WITH_RESOURCES = ("ASSIGN_VARIABLE", "CALL_ONCE", "READ_VARIABLE", "VAR_HANDLE")


@dataclass(frozen=True, slots=True)
class Add:
    """Hold one call that adds an operator to the resolver; the registration may be the default."""

    method: str
    registration: str


@dataclass(frozen=True, slots=True)
class TflmModel:
    """Hold what TensorFlow Lite Micro will run.

    Attributes:
        name: the C name.
        graph: what it computes.
        steps: the graph as it stands in the file: TFLM runs each of its operators.
    """

    name: str
    graph: Graph
    steps: Graph


@dataclass(frozen=True, slots=True)
class Arena:
    """Hold the size of an arena, and where it comes from as a sentence."""

    bytes: int
    origin: str


def read_model(data: bytes, source: str) -> TflmModel:
    """Read a model for TensorFlow Lite Micro.

    Args:
        data: the .tflite file's bytes.
        source: its file name without a folder; the model's C name is made of it.

    Raises:
        TinykitError: it is no model that tinykit can check, or it needs resource variables.
    """
    graph = import_tflite(data, source)
    steps = import_steps(data, source)
    for operator in steps.operators:
        if operator.kind in _WITH_RESOURCES:
            raise TinykitError(
                f"{source}: layer '{operator.name}' is {operator.kind}, and the tflm engine "
                "has no resource variables",
                "--engine native",
            )
    return TflmModel(model_name(source), graph, steps)


def adds(steps: Graph) -> list[Add]:
    """Return the calls that add exactly the operators of a model, sorted."""
    kinds = sorted({operator.kind for operator in steps.operators})
    return [_add(steps, kind, [o for o in steps.operators if o.kind == kind]) for kind in kinds]


def emit_tflm(
    model: TflmModel, data: bytes, source: str, version: str, arena: Arena
) -> dict[str, str]:
    """Return the generated files by name.

    Args:
        model: from read_model.
        data: the .tflite file's bytes.
        source: its file name.
        version: tinykit's.
        arena: what the image reserves for TFLM.
    """
    name, macro = model.name, model.name.upper()
    common = {"name": name, "version": version}
    return {
        f"{name}.c": render(
            "tflm_model.c.j2",
            **common,
            source=source,
            digest=model.graph.digest(),
            file=np.frombuffer(data, np.uint8),
        ),
        f"{name}.h": render(
            "tflm_model.h.j2",
            **common,
            source=source,
            macro=macro,
            arena_bytes=arena.bytes,
            arena_origin=arena.origin,
            file_bytes=len(data),
        ),
        "app_model.cpp": render(
            "tflm_app_model.cpp.j2",
            **common,
            macro=macro,
            adds=adds(model.steps),
            layers=len(model.steps.operators),
            tensors=len(model.steps.tensors),
            inputs=len(model.graph.inputs),
            outputs=len(model.graph.outputs),
        ),
        "plan.json": json.dumps(_plan_record(model, arena), indent=1) + "\n",
    }


def resolver_method(kind: str) -> str:
    """Return the name of the method of MicroMutableOpResolver that adds an operator."""
    return "Add" + "".join(_WORDS.get(word, word.capitalize()) for word in kind.split("_"))


def _add(steps: Graph, kind: str, operators: list[Operator]) -> Add:
    small = kind in _INT8_INPUTS and all(_all_int8(steps, kind, each) for each in operators)
    return Add(resolver_method(kind), f"tflite::Register_{kind}_INT8()" if small else "")


def _all_int8(steps: Graph, kind: str, operator: Operator) -> bool:
    read = [operator.inputs[position] for position in _INT8_INPUTS[kind]]
    return all(steps.tensor(number).dtype == "int8" for number in (*read, *operator.outputs))


def _plan_record(model: TflmModel, arena: Arena) -> dict[str, object]:
    states = sum(model.graph.tensors[state.tensor].bytes for state in model.graph.states)
    return {
        "schema": PLAN_SCHEMA,
        "model": model.name,
        "digest": model.graph.digest(),
        "arena_bytes": arena.bytes,
        "state_bytes": states,
        "layers": [{"name": o.name, "op": o.kind} for o in model.steps.operators],
    }
