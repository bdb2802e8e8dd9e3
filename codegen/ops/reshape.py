"""RESHAPE: the same bytes seen with another shape, at no cost."""

import tflite

from tinykit.codegen.layer import Arrays, OpKind, RefusedError
from tinykit.codegen.ops import shared
from tinykit.core.graph import Graph, Operator


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (1, 2))
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    if source.elements != target.elements or source.dtype != target.dtype:
        raise RefusedError(
            f"makes {target.dtype} {target.shape} of {source.dtype} {source.shape}",
            shared.QUANTIZE,
        )
    if source.data is not None:
        raise RefusedError(f"reshapes the constant '{source.name}'", shared.QUANTIZE)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (values[0].reshape(graph.tensor(operator.outputs[0]).shape),)


KIND = OpKind(tflite.ReshapeOptions, shared.no_options, _check, _evaluate, lower=None)
