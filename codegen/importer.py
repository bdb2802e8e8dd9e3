"""Read a .tflite file into a Graph, trusting nothing in it."""

import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import tflite
from numpy.typing import NDArray

from tinykit.codegen.fold import folded
from tinykit.codegen.islands import without_islands
from tinykit.codegen.layer import RefusedError
from tinykit.codegen.names import layer_name, model_name, unique
from tinykit.codegen.ops.table import KINDS
from tinykit.codegen.variables import with_states
from tinykit.core.errors import TinykitError
from tinykit.core.graph import (
    MAX_ELEMENTS,
    Graph,
    Operator,
    Quantization,
    State,
    Tensor,
    values_dtype,
)

_IDENTIFIER = b"TFL3"
_LONGEST_NAME = 512  # bytes; the converter joins the names of fused layers
# Which input of an operator holds the weights or the variable, after which people call the layer.
_WEIGHTS_INPUT = {
    "ASSIGN_VARIABLE": 0,
    "CONV_2D": 1,
    "DEPTHWISE_CONV_2D": 1,
    "FULLY_CONNECTED": 1,
    "TRANSPOSE_CONV": 1,
}
_OPTION_NAMES = {
    value: name for name, value in vars(tflite.BuiltinOptions).items() if isinstance(value, int)
}
_RESOURCE = "resource"  # the handle of a variable, which no graph has that is checked
_DTYPES = {
    tflite.TensorType.INT4: "int4",
    tflite.TensorType.INT8: "int8",
    tflite.TensorType.INT32: "int32",
    tflite.TensorType.FLOAT32: "float32",
    tflite.TensorType.UINT8: "uint8",
    tflite.TensorType.INT16: "int16",
    tflite.TensorType.INT64: "int64",
    tflite.TensorType.BOOL: "bool",
    tflite.TensorType.RESOURCE: _RESOURCE,
}
_CONVERT = "convert it with full-integer int8 quantization: tinykit quantize"
# What to use instead of operators that people meet, by the operator's name in the schema.
_BEFORE = "TFLM has it for floats only; compute it before the model"
_INSTEAD = {
    "CONV_3D": "use TimeDistributed(Conv2D), or the frames as channels of a Conv2D",
    "COS": _BEFORE,
    "EXP": "TFLM has it for floats only; use relu, elu, silu or tanh",
    "GELU": "use activation='relu', or 'hard_silu'",
    "IF": "choose outside of the model",
    "LOG": "TFLM has it for floats only; use log_softmax, or take it outside of the model",
    "POW": "multiply the tensor with itself",
    "REDUCE_ALL": "leave Masking and mask_zero out",
    "REDUCE_ANY": "leave Masking and mask_zero out",
    "REDUCE_PROD": "multiply the slices: x[:, 0] * x[:, 1]",
    "SELECT": "write it with ops.maximum and minimum: maximum(x, 0) + 0.3 * minimum(x, 0)",
    "SIGN": "use ops.clip(100 * x, -1, 1)",
    "SIN": _BEFORE,
    "TILE": "concatenate the tensor with itself",
    "TOPK_V2": "leave it out: the application finds the largest outputs",
    "WHILE": "unroll the loop: unroll=True in keras.layers.LSTM and GRU",
}
_OPS = "operators that compile: tinykit ops"
# What the flatbuffers runtime raises when offsets lead out of the file or nowhere.
_DAMAGE = (struct.error, IndexError, ValueError, TypeError, AttributeError, OverflowError)


@dataclass(frozen=True, slots=True)
class _File:
    """Hold the parsed file while it is read."""

    name: str
    model: Any
    subgraph: Any
    size: int


def import_tflite(data: bytes, name: str) -> Graph:
    """Read and check a model.

    Args:
        data: the file's bytes.
        name: the file's name, for messages.

    Raises:
        TinykitError: it is no .tflite file, it is damaged, or tinykit cannot compile it; the
            message names the layer.
    """
    if len(data) < 8 or data[4:8] != _IDENTIFIER:
        raise TinykitError(
            f"{name} is not a .tflite file ({len(data)} bytes, no TFL3 mark at byte 4)",
            "make one from a Keras model: tinykit quantize model.keras -o model.tflite",
        )
    try:
        graph = _graph_with_states(data, name)
    except _DAMAGE as error:
        raise TinykitError(
            f"{name} is damaged or cut off: its {len(data)} bytes are not all that it names",
            "copy or convert the file again: tinykit quantize",
        ) from error
    try:
        graph.check()
    except TinykitError as error:
        raise TinykitError(f"{name}: {error.message}", error.hint) from error
    return _checked(without_islands(graph), name)


def import_steps(data: bytes, name: str) -> Graph:
    """Return the first subgraph of a model that import_tflite takes, as it stands in the file."""
    model = tflite.Model.GetRootAsModel(data, 0)
    return _graph(_File(name, model, model.Subgraphs(0), len(data)))


def _graph_with_states(data: bytes, name: str) -> Graph:
    model = tflite.Model.GetRootAsModel(data, 0)
    if model.SubgraphsLength() < 1:
        raise TinykitError(f"{name} has no subgraph", "convert it again: tinykit quantize")
    file = _File(name, model, model.Subgraphs(0), len(data))
    graph = _graph(file)
    initialisers = _initialisers(file, graph.operators)
    try:
        return with_states(graph, initialisers)
    except TinykitError as error:
        raise TinykitError(f"{name}: {error.message}", error.hint) from error


def _graph(file: _File) -> Graph:
    tensors = tuple(_tensor(file, n) for n in range(file.subgraph.TensorsLength()))
    states = _states(file, tensors)
    return Graph(
        name=file.name,
        tensors=tensors,
        operators=_operators(file, tensors, states),
        inputs=tuple(_numbers(file.subgraph.InputsAsNumpy())),
        outputs=tuple(_numbers(file.subgraph.OutputsAsNumpy())),
        states=states,
    )


def _initialisers(file: _File, operators: tuple[Operator, ...]) -> dict[int, Graph]:
    called = {o.attributes.subgraph for o in operators if o.kind == "CALL_ONCE"}
    numbers = range(1, file.model.SubgraphsLength())
    for number in numbers:
        if number not in called:
            raise TinykitError(
                f"{file.name} has {len(numbers) + 1} subgraphs, and no CALL_ONCE runs number "
                f"{number}",
                "convert the model without control flow",
            )
    return {n: _graph(replace(file, subgraph=file.model.Subgraphs(n))) for n in numbers}


def _states(file: _File, tensors: tuple[Tensor, ...]) -> tuple[State, ...]:
    """Find the variable tensors; TFLM resets int8 ones to their zero point, others to 0."""
    states = []
    for number, tensor in enumerate(tensors):
        variable = file.subgraph.Tensors(number).IsVariable() and tensor.data is None
        if variable and tensor.elements <= MAX_ELEMENTS:
            value = tensor.zero_point if tensor.dtype == "int8" else 0
            states.append(State(number, np.full(tensor.shape, value, tensor.dtype)))
    return tuple(states)


def _tensor(file: _File, number: int) -> Tensor:
    raw = file.subgraph.Tensors(number)
    name = _one_line(raw.Name() or f"tensor {number}".encode())
    if raw.Type() not in _DTYPES:
        raise TinykitError(
            f"{file.name}: tensor '{name}' has type {raw.Type()} of the schema", _CONVERT
        )
    dtype = _DTYPES[raw.Type()]
    shape = tuple(int(raw.Shape(i)) for i in range(raw.ShapeLength()))
    if raw.Sparsity() is not None:
        raise TinykitError(
            f"{file.name}: tensor '{name}' is stored sparse by the converter",
            "convert without sparsity: tinykit finds the zeros itself",
        )
    data = _constant(file, raw, name, shape, dtype)
    if dtype == "int4" and data is None:
        raise TinykitError(
            f"{file.name}: tensor '{name}' is computed in int4, weights only may be int4", _CONVERT
        )
    return Tensor(name, shape, dtype, _quantization(raw), data)


def _one_line(text: bytes) -> str:
    """Return a name for messages: a damaged file's may hold anything, and all of the file."""
    whole = text[:_LONGEST_NAME].decode(errors="replace")
    return "".join(letter if letter.isprintable() else "?" for letter in whole)


def _quantization(raw: Any) -> Quantization | None:
    parameters = raw.Quantization()
    if parameters is None or parameters.ScaleLength() == 0 or parameters.ZeroPointLength() == 0:
        return None  # TFLM, too, wants both
    scales = tuple(float(parameters.Scale(i)) for i in range(parameters.ScaleLength()))
    zero_points = tuple(int(parameters.ZeroPoint(i)) for i in range(parameters.ZeroPointLength()))
    return Quantization(scales, zero_points, parameters.QuantizedDimension())


def _constant(
    file: _File, raw: Any, name: str, shape: tuple[int, ...], dtype: str
) -> NDArray[np.generic] | None:
    if not 0 <= raw.Buffer() < file.model.BuffersLength():
        raise TinykitError(
            f"{file.name}: tensor '{name}' names buffer {raw.Buffer()} of "
            f"{file.model.BuffersLength()}",
            "the file is damaged; convert it again: tinykit quantize",
        )
    buffer = file.model.Buffers(raw.Buffer())
    if buffer.DataLength() == 0 or dtype == _RESOURCE:
        return None
    expected = 1
    for length in shape:
        expected *= length
    raw_bytes = buffer.DataAsNumpy().tobytes()
    if dtype == "int4":
        values = _unpacked(raw_bytes, expected)
    else:
        values = np.frombuffer(raw_bytes, np.dtype(dtype).newbyteorder("<"))
    if values.size != expected:
        raise TinykitError(
            f"{file.name}: tensor '{name}' of shape {shape} has {values.size} values, not "
            f"{expected}",
            "the file is damaged; convert it again: tinykit quantize",
        )
    if dtype == "bool" and max(raw_bytes, default=0) > 1:  # C++ says nothing of such a bool
        raise TinykitError(
            f"{file.name}: the bool tensor '{name}' holds the byte {max(raw_bytes)}",
            "the file is damaged; convert it again: tinykit quantize",
        )
    return values.astype(values_dtype(dtype)).reshape(shape)


def _unpacked(raw: bytes, count: int) -> NDArray[np.generic]:
    """Return values of four bits, two a byte, the lower half first; half a byte may be left."""
    packed = np.frombuffer(raw, np.int8)
    values = np.stack([packed << 4 >> 4, packed >> 4], axis=1).ravel()
    return values[:count] if count == values.size - 1 else values


def _operators(
    file: _File, tensors: tuple[Tensor, ...], states: tuple[State, ...]
) -> tuple[Operator, ...]:
    count = file.subgraph.OperatorsLength()
    raws = [file.subgraph.Operators(i) for i in range(count)]
    kinds = [_kind(file, raw) for raw in raws]
    names = unique(
        [
            layer_name(_hints(raw, kind, tensors), kind)
            for raw, kind in zip(raws, kinds, strict=True)
        ],
        model_name(file.name),
    )
    variables = {state.tensor for state in states}
    return tuple(
        _operator(file, raw, kind, name, variables)
        for raw, kind, name in zip(raws, kinds, names, strict=True)
    )


def _hints(raw: Any, kind: str, tensors: tuple[Tensor, ...]) -> list[str]:
    """Return the names of the weights or variable, which are the user's, then of the output."""
    place = _WEIGHTS_INPUT.get(kind)
    inputs = _numbers(raw.InputsAsNumpy())[place : place + 1] if place is not None else []
    named = [tensors[n] for n in inputs if 0 <= n < len(tensors)]
    names = [t.name for t in named if t.data is not None or t.dtype == _RESOURCE]
    outputs = [tensors[n] for n in _numbers(raw.OutputsAsNumpy())[:1]]
    return names + [t.name for t in outputs if t.dtype != _RESOURCE]


def _operator(file: _File, raw: Any, kind: str, name: str, variables: set[int]) -> Operator:
    if kind not in KINDS:
        raise TinykitError(
            f"{file.name}: layer '{name}' is {kind}, which tinykit cannot compile",
            _INSTEAD.get(kind, _OPS),
        )
    table, options_class, options = raw.BuiltinOptions(), KINDS[kind].options, None
    if options_class is not None and table is not None:
        if _OPTION_NAMES.get(raw.BuiltinOptionsType()) != options_class.__name__:
            raise TinykitError(
                f"{file.name}: layer '{name}' ({kind}) has the options of another operator",
                "the file is damaged; convert it again: tinykit quantize",
            )
        options = options_class()
        options.Init(table.Bytes, table.Pos)
    inputs = _numbers(raw.InputsAsNumpy())
    return Operator(
        name=name,
        kind=kind,
        inputs=tuple(None if n == -1 else n for n in inputs),
        outputs=tuple(_numbers(raw.OutputsAsNumpy())),
        attributes=KINDS[kind].read(options),
        states=tuple(n for n in inputs if n in variables) if KINDS[kind].stateful else (),
    )


def _kind(file: _File, raw: Any) -> str:
    index = raw.OpcodeIndex()
    if not 0 <= index < file.model.OperatorCodesLength():
        raise IndexError(f"operator code {index} of {file.model.OperatorCodesLength()}")
    code = file.model.OperatorCodes(index)
    builtin = max(_builtin_code(code), code.DeprecatedBuiltinCode())
    if builtin == tflite.BuiltinOperator.CUSTOM:
        return _one_line(code.CustomCode() or b"a custom operator")
    return _KIND_NAMES.get(builtin, f"operator {builtin}")


def _builtin_code(code: Any) -> int:
    """Return what the file says: BuiltinCode() returns the deprecated code below 127."""
    offset = code._tab.Offset(10)  # the vtable's fourth entry
    return struct.unpack_from("<i", code._tab.Bytes, code._tab.Pos + offset)[0] if offset else 0


def _numbers(values: Any) -> list[int]:
    """Return a vector of the file; flatbuffers reads one that is absent as 0."""
    return [int(n) for n in values] if isinstance(values, np.ndarray) else []


_INT4_KINDS = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")
_INT4_TEXT = ", ".join(_INT4_KINDS)
_KIND_NAMES: dict[int, str] = {
    value: name for name, value in vars(tflite.BuiltinOperator).items() if isinstance(value, int)
}


# Scales may overflow: what comes of them is refused by its size, and nobody wants the warning.
_quiet = np.errstate(all="ignore")


@_quiet
def _checked(graph: Graph, name: str) -> Graph:
    """Return the graph without the operators whose outputs are constant."""
    kept = []
    states = {state.tensor for state in graph.states}
    for operator in graph.operators:
        reads = operator.inputs if operator.kind != "READ_VARIABLE" else ()
        for number in states.intersection(reads) - {*operator.states}:
            raise TinykitError(
                f"{name}: layer '{operator.name}' ({operator.kind}) reads the state "
                f"'{graph.tensor(number).name}' of another layer",
                "use the layer's output instead",
            )
        try:
            _check_kind(graph, operator)
            constant = folded(graph, operator)
        except RefusedError as error:
            _refuse_float(graph)
            raise TinykitError(
                f"{name}: layer '{operator.name}' ({operator.kind}) {error.what}", error.hint
            ) from error
        if constant is None:
            kept.append(operator)
        graph = constant or graph
    for number in graph.outputs:
        if graph.tensors[number].data is not None:
            raise TinykitError(
                f"{name}: the output '{graph.tensors[number].name}' does not depend on the input",
                "convert the model without this output",
            )
    return replace(graph, operators=tuple(kept))


def _check_kind(graph: Graph, operator: Operator) -> None:
    narrow = [n for n in operator.inputs if n is not None and graph.tensors[n].dtype == "int4"]
    narrow += [n for n in operator.outputs if graph.tensors[n].dtype == "int4"]
    weights = [*operator.inputs[1:2]] if operator.kind in _INT4_KINDS else []
    if narrow not in ([], weights):
        name = graph.tensors[narrow[0]].name
        raise RefusedError(f"has the int4 tensor '{name}'", f"int4 are weights of {_INT4_TEXT}")
    KINDS[operator.kind].check(graph, operator)


def _refuse_float(graph: Graph) -> None:
    """Say so when a model that cannot be compiled has not been quantized at all."""
    floats = [tensor.name for tensor in graph.tensors if tensor.dtype == "float32"]
    if floats and not any(tensor.dtype == "int8" for tensor in graph.tensors):
        raise TinykitError(
            f"{graph.name} is a float model ('{floats[0]}' is float32), tinykit compiles int8",
            _CONVERT,
        )


@dataclass(frozen=True, slots=True)
class Obstacle:
    """Hold one layer that cannot be compiled: why, and the way out."""

    layer: str
    op: str
    what: str
    hint: str


def obstacles(data: bytes, name: str) -> tuple[Obstacle, ...]:
    """Return all layers that cannot be compiled, not only the first; none of a damaged file."""
    if data[4:8] != _IDENTIFIER:
        return ()
    try:
        return _obstacles(data, name)
    except (TinykitError, *_DAMAGE):
        return ()


@_quiet
def _obstacles(data: bytes, name: str) -> tuple[Obstacle, ...]:
    model = tflite.Model.GetRootAsModel(data, 0)
    file = _File(name, model, model.Subgraphs(0), len(data))
    tensors = tuple(_tensor(file, n) for n in range(file.subgraph.TensorsLength()))
    states = _states(file, tensors)
    found: dict[int, Obstacle] = {}
    layers, known = [], []
    for i in range(file.subgraph.OperatorsLength()):
        raw = file.subgraph.Operators(i)
        kind = _kind(file, raw)
        layers.append(layer_name(_hints(raw, kind, tensors), kind))
        if kind in KINDS:
            known.append(_operator(file, raw, kind, str(i), {state.tensor for state in states}))
        else:
            found[i] = Obstacle(layers[i], kind, "cannot be compiled", _INSTEAD.get(kind, _OPS))
    bare = Graph(name, tensors, tuple(known), (), (), states)
    bare = without_islands(with_states(bare, _initialisers(file, bare.operators)))
    for operator in bare.operators:
        try:
            bare.check_operator(operator)
            _check_kind(bare, operator)
            bare = folded(bare, operator) or bare
        except RefusedError as error:
            i = int(operator.name)
            found[i] = Obstacle(layers[i], operator.kind, error.what, error.hint)
    return tuple(found[i] for i in sorted(found))
