"""Compute at build time what does not depend on the inputs."""

from dataclasses import replace

import numpy as np

from tinykit.codegen.layer import RefusedError
from tinykit.codegen.ops.table import KINDS
from tinykit.core.graph import Graph, Operator

_MOST_ELEMENTS = 1 << 22  # no flash holds more
_BY_SHAPE = ("SHAPE", "ZEROS_LIKE")  # operators that look at the shape of their input only


def folded(graph: Graph, operator: Operator) -> Graph | None:
    """Return the graph with constant outputs of a checked operator, or None if they are not.

    Raises:
        RefusedError: they are constant, and too large.
    """
    read = [graph.tensors[n].data if n is not None else np.zeros(0) for n in operator.inputs]
    values = tuple(value for value in read if value is not None)
    if len(values) < len(read) and operator.kind not in _BY_SHAPE:
        return None
    elements = max(graph.tensors[n].elements for n in operator.outputs)
    if elements > _MOST_ELEMENTS:
        raise RefusedError(
            f"makes {elements} constants, the most is {_MOST_ELEMENTS}",
            "compute less from constants",
        )
    found = KINDS[operator.kind].evaluate(graph, operator, values)
    tensors = list(graph.tensors)
    for number, data in zip(operator.outputs, found, strict=True):
        tensor = tensors[number]
        tensors[number] = replace(tensor, data=data.astype(tensor.dtype).reshape(tensor.shape))
    return replace(graph, tensors=tuple(tensors))
