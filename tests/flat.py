"""Write small .tflite files directly, without TensorFlow, so that tests decide every byte."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import flatbuffers
import numpy as np
import tflite
from numpy.typing import NDArray

NONE = tflite.ActivationFunctionType.NONE
RELU = tflite.ActivationFunctionType.RELU
RELU6 = tflite.ActivationFunctionType.RELU6
RELU_N1_TO_1 = tflite.ActivationFunctionType.RELU_N1_TO_1
SAME = tflite.Padding.SAME
VALID = tflite.Padding.VALID

_TYPES = {
    "int4": tflite.TensorType.INT4,
    "int8": tflite.TensorType.INT8,
    "int16": tflite.TensorType.INT16,
    "int32": tflite.TensorType.INT32,
    "int64": tflite.TensorType.INT64,
    "float32": tflite.TensorType.FLOAT32,
    "float16": tflite.TensorType.FLOAT16,
    "uint8": tflite.TensorType.UINT8,
    "bool": tflite.TensorType.BOOL,
    "resource": tflite.TensorType.RESOURCE,
}
_SCHEMA_VERSION = 3


@dataclass(frozen=True, slots=True, eq=False)
class FlatTensor:
    """Hold a tensor as the file says it."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "int8"
    scales: tuple[float, ...] = ()
    zero_points: tuple[int, ...] = ()
    axis: int = 0
    data: NDArray[np.generic] | None = None
    variable: bool = False


@dataclass(frozen=True, slots=True)
class Options:
    """Hold an options table: its name in the schema, and its fields by their names there."""

    table: str
    fields: tuple[tuple[str, int | float | bool | str | tuple[int, ...]], ...] = ()


@dataclass(frozen=True, slots=True)
class FlatOperator:
    """Hold an operator as the file says it; an input of -1 is absent."""

    kind: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: Options | None = None
    custom: str = ""


@dataclass(frozen=True, slots=True)
class FlatModel:
    """Hold a file's first subgraph, and the others that it has."""

    tensors: tuple[FlatTensor, ...]
    operators: tuple[FlatOperator, ...]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    others: tuple["FlatModel", ...] = ()


def conv_options(
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: int = VALID,
    activation: int = NONE,
) -> Options:
    """Make the options of CONV_2D; pairs are (height, width)."""
    return Options("Conv2DOptions", _window_fields(stride, dilation, padding, activation))


def depthwise_options(
    multiplier: int,
    stride: tuple[int, int] = (1, 1),
    dilation: tuple[int, int] = (1, 1),
    padding: int = VALID,
    activation: int = NONE,
) -> Options:
    """Make the options of DEPTHWISE_CONV_2D."""
    fields = _window_fields(stride, dilation, padding, activation)
    return Options("DepthwiseConv2DOptions", (*fields, ("DepthMultiplier", multiplier)))


def transpose_conv_options(stride: tuple[int, int], padding: int, activation: int) -> Options:
    """Make the options of TRANSPOSE_CONV."""
    return Options(
        "TransposeConvOptions",
        (
            ("StrideH", stride[0]),
            ("StrideW", stride[1]),
            ("Padding", padding),
            ("FusedActivationFunction", activation),
        ),
    )


def batch_matmul_options(transpose_a: bool, transpose_b: bool) -> Options:
    """Make the options of BATCH_MATMUL."""
    return Options("BatchMatMulOptions", (("AdjX", transpose_a), ("AdjY", transpose_b)))


def lstm_options(cell_clip: float, time_major: bool) -> Options:
    """Make the options of UNIDIRECTIONAL_SEQUENCE_LSTM."""
    tanh = tflite.ActivationFunctionType.TANH
    return Options(
        "UnidirectionalSequenceLSTMOptions",
        (("FusedActivationFunction", tanh), ("CellClip", cell_clip), ("TimeMajor", time_major)),
    )


def svdf_options(rank: int, activation: int) -> Options:
    """Make the options of SVDF."""
    return Options("SVDFOptions", (("Rank", rank), ("FusedActivationFunction", activation)))


def pool_options(
    kernel: tuple[int, int], stride: tuple[int, int], padding: int, activation: int
) -> Options:
    """Make the options of both pools."""
    return Options(
        "Pool2DOptions",
        (
            ("FilterHeight", kernel[0]),
            ("FilterWidth", kernel[1]),
            ("StrideH", stride[0]),
            ("StrideW", stride[1]),
            ("Padding", padding),
            ("FusedActivationFunction", activation),
        ),
    )


def dense_options(activation: int = NONE, keep_dims: bool = False) -> Options:
    """Make the options of FULLY_CONNECTED."""
    fields = (("FusedActivationFunction", activation), ("KeepNumDims", keep_dims))
    return Options("FullyConnectedOptions", fields)


def pair_options(kind: str, activation: int = NONE) -> Options | None:
    """Make the options of an operator of two tensors, with a fused activation where it has one."""
    fused = {"ADD": "AddOptions", "SUB": "SubOptions", "MUL": "MulOptions", "DIV": "DivOptions"}
    if kind not in fused:
        return None
    return Options(fused[kind], (("FusedActivationFunction", activation),))


def leaky_relu_options(alpha: float) -> Options:
    """Make the options of LEAKY_RELU."""
    return Options("LeakyReluOptions", (("Alpha", alpha),))


def mean_options(keep_dims: bool) -> Options:
    """Make the options of MEAN."""
    return Options("ReducerOptions", (("KeepDims", keep_dims),))


def softmax_options(beta: float) -> Options:
    """Make the options of SOFTMAX."""
    return Options("SoftmaxOptions", (("Beta", beta),))


def handle_options(name: str, container: str = "") -> Options:
    """Make the options of VAR_HANDLE."""
    return Options("VarHandleOptions", (("Container", container), ("SharedName", name)))


def once_options(subgraph: int) -> Options:
    """Make the options of CALL_ONCE."""
    return Options("CallOnceOptions", (("InitSubgraphIndex", subgraph),))


def to_bytes(model: FlatModel, prefix: str = "") -> bytes:
    """Write a file; `prefix` goes before every tensor's name."""
    builder = flatbuffers.Builder(1024)
    graphs = (model, *model.others)
    codes = sorted({(op.kind, op.custom) for graph in graphs for op in graph.operators})
    buffers = [_buffer(builder, None)]
    subgraphs = []
    for graph in graphs:
        subgraphs.append(_subgraph(builder, graph, codes, len(buffers), prefix))
        buffers += [_buffer(builder, _stored(t)) for t in graph.tensors]
    subgraph_vector = _offsets(builder, subgraphs)
    buffer_vector = _offsets(builder, buffers)
    code_vector = _offsets(builder, [_code(builder, *code) for code in codes])
    tflite.ModelStart(builder)
    tflite.ModelAddVersion(builder, _SCHEMA_VERSION)
    tflite.ModelAddOperatorCodes(builder, code_vector)
    tflite.ModelAddSubgraphs(builder, subgraph_vector)
    tflite.ModelAddBuffers(builder, buffer_vector)
    builder.Finish(tflite.ModelEnd(builder), file_identifier=b"TFL3")
    return bytes(builder.Output())


def _subgraph(
    builder: flatbuffers.Builder,
    graph: FlatModel,
    codes: Sequence[tuple[str, str]],
    buffer: int,
    prefix: str,
) -> int:
    tensors = [_tensor(builder, t, n, prefix) for n, t in enumerate(graph.tensors, buffer)]
    operators = [
        _operator(builder, op, codes.index((op.kind, op.custom))) for op in graph.operators
    ]
    tensor_vector = _offsets(builder, tensors)
    operator_vector = _offsets(builder, operators)
    inputs, outputs = _int32s(builder, graph.inputs), _int32s(builder, graph.outputs)
    tflite.SubGraphStart(builder)
    tflite.SubGraphAddTensors(builder, tensor_vector)
    tflite.SubGraphAddInputs(builder, inputs)
    tflite.SubGraphAddOutputs(builder, outputs)
    tflite.SubGraphAddOperators(builder, operator_vector)
    return int(tflite.SubGraphEnd(builder))


def _window_fields(
    stride: tuple[int, int], dilation: tuple[int, int], padding: int, activation: int
) -> tuple[tuple[str, int], ...]:
    return (
        ("StrideH", stride[0]),
        ("StrideW", stride[1]),
        ("DilationHFactor", dilation[0]),
        ("DilationWFactor", dilation[1]),
        ("Padding", padding),
        ("FusedActivationFunction", activation),
    )


def _stored(tensor: FlatTensor) -> NDArray[np.generic] | None:
    """Return the data as the file has it: int4 two a byte, the first in the lower half."""
    if tensor.dtype != "int4" or tensor.data is None:
        return tensor.data
    halves = np.append(tensor.data.astype(np.uint8).ravel() & 15, np.zeros(1, np.uint8))
    pairs = halves[: halves.size // 2 * 2].reshape(-1, 2)
    return np.asarray(pairs[:, 0] | pairs[:, 1] << 4, np.uint8)


def _buffer(builder: flatbuffers.Builder, data: NDArray[np.generic] | None) -> int:
    vector = None if data is None else _raw(builder, np.ascontiguousarray(data).tobytes())
    tflite.BufferStart(builder)
    if vector is not None:
        tflite.BufferAddData(builder, vector)
    return int(tflite.BufferEnd(builder))


def _tensor(builder: flatbuffers.Builder, tensor: FlatTensor, buffer: int, prefix: str) -> int:
    name = builder.CreateString(prefix + tensor.name)
    shape = _int32s(builder, tensor.shape)
    quantization = _quantization(builder, tensor) if tensor.scales else None
    tflite.TensorStart(builder)
    tflite.TensorAddShape(builder, shape)
    tflite.TensorAddType(builder, _TYPES[tensor.dtype])
    tflite.TensorAddBuffer(builder, buffer)
    tflite.TensorAddName(builder, name)
    if quantization is not None:
        tflite.TensorAddQuantization(builder, quantization)
    tflite.TensorAddIsVariable(builder, tensor.variable)
    return int(tflite.TensorEnd(builder))


def _quantization(builder: flatbuffers.Builder, tensor: FlatTensor) -> int:
    scales = _raw_elements(builder, np.array(tensor.scales, "<f4"))
    zero_points = _raw_elements(builder, np.array(tensor.zero_points, "<i8"))
    tflite.QuantizationParametersStart(builder)
    tflite.QuantizationParametersAddScale(builder, scales)
    tflite.QuantizationParametersAddZeroPoint(builder, zero_points)
    tflite.QuantizationParametersAddQuantizedDimension(builder, tensor.axis)
    return int(tflite.QuantizationParametersEnd(builder))


def _operator(builder: flatbuffers.Builder, operator: FlatOperator, code: int) -> int:
    inputs, outputs = _int32s(builder, operator.inputs), _int32s(builder, operator.outputs)
    options = _options(builder, operator.options) if operator.options else None
    tflite.OperatorStart(builder)
    tflite.OperatorAddOpcodeIndex(builder, code)
    tflite.OperatorAddInputs(builder, inputs)
    tflite.OperatorAddOutputs(builder, outputs)
    if operator.options is not None:
        kind = getattr(tflite.BuiltinOptions, operator.options.table)
        tflite.OperatorAddBuiltinOptionsType(builder, kind)
        tflite.OperatorAddBuiltinOptions(builder, options)
    return int(tflite.OperatorEnd(builder))


def _options(builder: flatbuffers.Builder, options: Options) -> int:
    fields = [(name, _value(builder, value)) for name, value in options.fields]
    _schema(f"{options.table}Start")(builder)
    for name, value in fields:
        _schema(f"{options.table}Add{name}")(builder, value)
    return int(_schema(f"{options.table}End")(builder))


def _value(builder: flatbuffers.Builder, value: Any) -> Any:
    if isinstance(value, str):
        return builder.CreateString(value)
    return _int32s(builder, value) if isinstance(value, tuple) else value


def _code(builder: flatbuffers.Builder, kind: str, custom: str) -> int:
    name = builder.CreateString(custom) if custom else None
    builtin = getattr(tflite.BuiltinOperator, kind)
    tflite.OperatorCodeStart(builder)
    tflite.OperatorCodeAddDeprecatedBuiltinCode(builder, min(builtin, 127))
    tflite.OperatorCodeAddBuiltinCode(builder, builtin)
    tflite.OperatorCodeAddVersion(builder, 1)
    if name is not None:
        tflite.OperatorCodeAddCustomCode(builder, name)
    return int(tflite.OperatorCodeEnd(builder))


def _schema(name: str) -> Callable[..., Any]:
    function: Callable[..., Any] = getattr(tflite, name)
    return function


def _offsets(builder: flatbuffers.Builder, offsets: Sequence[int]) -> int:
    builder.StartVector(4, len(offsets), 4)
    for offset in reversed(offsets):
        builder.PrependUOffsetTRelative(offset)
    return int(builder.EndVector())


def _int32s(builder: flatbuffers.Builder, numbers: Sequence[int]) -> int:
    return _raw_elements(builder, np.array(numbers, "<i4"))


def _raw(builder: flatbuffers.Builder, data: bytes) -> int:
    # the schema wants force_align 16: interpreters read weights where they lie
    return _vector(builder, data, len(data), 1, 16)


def _raw_elements(builder: flatbuffers.Builder, values: NDArray[np.generic]) -> int:
    return _vector(builder, values.tobytes(), values.size, values.itemsize, values.itemsize)


def _vector(builder: flatbuffers.Builder, data: bytes, count: int, size: int, align: int) -> int:
    builder.StartVector(size, count, align)
    builder.head -= len(data)
    builder.Bytes[builder.head : builder.head + len(data)] = data
    return int(builder.EndVector())
