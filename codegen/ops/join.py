"""CONCATENATION and PACK: several tensors behind one another on an axis."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.core.graph import Graph, Operator, Tensor

_DTYPES = ("int8", "int16", "float32", "int32")
_MOST_INPUTS = 10  # kMaxInputNum of TFLM's CONCATENATION
_MOST_RANK = 6  # of TFLM's CONCATENATION
_MOST_PACKED = 64  # a kernel call each


@dataclass(frozen=True, slots=True)
class Join:
    """Attributes of both."""

    axis: int
    activation: int
    count: int | None


def _read_concatenation(options: Any) -> Join:
    if options is None:
        return Join(0, tflite.ActivationFunctionType.NONE, None)
    return Join(options.Axis(), options.FusedActivationFunction(), None)


def _read_pack(options: Any) -> Join:
    if options is None:
        return Join(0, tflite.ActivationFunctionType.NONE, 0)
    return Join(options.Axis(), tflite.ActivationFunctionType.NONE, options.ValuesCount())


def _check(graph: Graph, operator: Operator) -> None:
    sources, target = _sources(graph, operator), graph.tensor(operator.outputs[0])
    moving.refuse_unmovable(operator, (*sources, target), _DTYPES)
    attributes: Join = operator.attributes
    if attributes.activation != tflite.ActivationFunctionType.NONE:
        raise RefusedError("has a fused activation", "use a layer of its own")
    axis = _axis(graph, operator)
    if operator.kind == "PACK":
        _refuse_other_packs(attributes, sources, target, axis)
    else:
        _refuse_other_parts(sources, target, axis)


def _sources(graph: Graph, operator: Operator) -> list[Tensor]:
    most = _MOST_PACKED if operator.kind == "PACK" else _MOST_INPUTS
    shared.refuse_other_arity(operator, range(1, most + 1))
    if None in operator.inputs:
        raise RefusedError("has an absent input", shared.QUANTIZE)
    return [graph.tensor(number) for number in operator.inputs]


def _axis(graph: Graph, operator: Operator) -> int:
    attributes: Join = operator.attributes
    return moving.positive_axis(attributes.axis, len(graph.tensor(operator.outputs[0]).shape))


def _refuse_other_packs(attributes: Join, sources: list[Tensor], target: Tensor, axis: int) -> None:
    if attributes.count != len(sources):
        raise RefusedError(f"packs {attributes.count} of {len(sources)} inputs", shared.QUANTIZE)
    for source in sources:
        shape = list(source.shape)
        shape.insert(axis, len(sources))
        moving.refuse_other_shape(target, shape)


def _refuse_other_parts(sources: list[Tensor], target: Tensor, axis: int) -> None:
    if len(target.shape) > _MOST_RANK:
        raise RefusedError(
            f"joins {len(target.shape)} axes, TFLM up to {_MOST_RANK}", "merge dimensions"
        )
    for source in sources:
        if len(source.shape) != len(target.shape):
            raise RefusedError(f"joins {source.shape} into {target.shape}", shared.QUANTIZE)
        if source.dtype == "int8" and _meaning(source) != _meaning(target):
            raise RefusedError(
                f"joins '{source.name}' of another scale, which TFLM refuses", shared.QUANTIZE
            )
        if source.dtype == "int16" and source.zero_point != 0:
            raise RefusedError(f"joins '{source.name}' whose zero point is not 0", shared.QUANTIZE)
        shape = list(source.shape)
        shape[axis] = sum(part.shape[axis] for part in sources if len(part.shape) > axis)
        moving.refuse_other_shape(target, shape)


def _meaning(tensor: Tensor) -> tuple[object, ...]:
    if tensor.quantization is None:
        return ()
    return tensor.quantization.scales, tensor.quantization.zero_points


def _copies(graph: Graph, operator: Operator) -> list[moving.Copy]:
    target = operator.outputs[0]
    axis, whole = _axis(graph, operator), graph.tensor(target).shape
    write, start, copies = moving.steps(whole), 0, []
    for number in operator.inputs:
        assert number is not None
        part = list(whole)
        part[axis] = 1 if operator.kind == "PACK" else graph.tensor(number).shape[axis]
        axes = tuple(map(moving.Axis, part, moving.steps(part), write))
        copies.append(moving.Copy(number, target, axes, 0, start * write[axis]))
        start += part[axis]
    return copies


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    axis = _axis(graph, operator)
    return (np.stack(values, axis) if operator.kind == "PACK" else np.concatenate(values, axis),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> tuple[Layer, ...]:
    return moving.layers(graph, operator, _copies(graph, operator))


CONCATENATION = OpKind(
    tflite.ConcatenationOptions,
    _read_concatenation,
    _check,
    _evaluate,
    _lower,
    f"up to {_MOST_INPUTS} inputs of the output's scale; int16 too",
)
PACK = OpKind(
    tflite.PackOptions,
    _read_pack,
    _check,
    _evaluate,
    _lower,
    f"up to {_MOST_PACKED} inputs; int16 too",
)
