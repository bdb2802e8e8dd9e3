"""Read from a .tflite file what quantization promises: zeros, operators, scales at both ends."""

from dataclasses import dataclass
from typing import Any

import numpy as np

WEIGHTED = ("CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED")


@dataclass(frozen=True, slots=True)
class TensorZeros:
    """Hold how many weights of one constant tensor are zero."""

    name: str
    weights: int
    zeros: int


@dataclass(frozen=True, slots=True)
class Port:
    """Hold an input or output: its shape with the batch, its type's name, scale and zero point."""

    name: str
    shape: tuple[int, ...]
    dtype: str
    scale: float
    zero_point: int


@dataclass(frozen=True, slots=True)
class Summary:
    """Hold what is in a .tflite file of one subgraph.

    Attributes:
        operators: their names in order.
        weights: the zeros of each weight tensor of an operator that has weights, in order.
        inputs: the inputs.
        outputs: the outputs.
    """

    operators: tuple[str, ...]
    weights: tuple[TensorZeros, ...]
    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


def summarize(tflite_bytes: bytes) -> Summary:
    """Read a .tflite file that the converter wrote."""
    import tflite

    model = tflite.Model.GetRootAsModel(tflite_bytes, 0)
    graph = model.Subgraphs(0)
    assert graph is not None
    names = _names(tflite.BuiltinOperator)
    operators = [graph.Operators(index) for index in range(graph.OperatorsLength())]
    kinds = [names[model.OperatorCodes(entry.OpcodeIndex()).BuiltinCode()] for entry in operators]
    weighted = [entry for entry, kind in zip(operators, kinds, strict=True) if kind in WEIGHTED]
    tensors = dict.fromkeys(int(entry.Inputs(1)) for entry in weighted)  # shared weights count once
    return Summary(
        tuple(kinds),
        tuple(_zeros(model, graph.Tensors(index)) for index in tensors),
        tuple(_port(graph.Tensors(int(index))) for index in graph.InputsAsNumpy()),
        tuple(_port(graph.Tensors(int(index))) for index in graph.OutputsAsNumpy()),
    )


def _zeros(model: Any, tensor: Any) -> TensorZeros:
    codes = model.Buffers(tensor.Buffer()).DataAsNumpy()
    zeros = int(codes.size - np.count_nonzero(codes))
    return TensorZeros(tensor.Name().decode(), int(codes.size), zeros)


def _port(tensor: Any) -> Port:
    import tflite

    quantization = tensor.Quantization()
    quantized = quantization is not None and quantization.ScaleLength() == 1
    return Port(
        tensor.Name().decode(),
        tuple(int(extent) for extent in tensor.ShapeAsNumpy()),
        _names(tflite.TensorType)[tensor.Type()],
        float(quantization.Scale(0)) if quantized else 0.0,
        int(quantization.ZeroPoint(0)) if quantized else 0,
    )


def _names(enumeration: Any) -> dict[int, str]:
    return {code: name for name, code in vars(enumeration).items() if isinstance(code, int)}
