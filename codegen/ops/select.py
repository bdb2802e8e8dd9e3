"""SELECT_V2: values of one tensor where a condition holds, of another where not."""

import numpy as np
import tflite

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import broadcast, moving, shared
from tinykit.core.graph import Graph, Operator, Tensor

_DTYPES = ("int8", "int16", "float32")


def _tensors(graph: Graph, operator: Operator) -> tuple[list[Tensor], Tensor]:
    return [graph.tensor(n) for n in operator.inputs], graph.tensor(operator.outputs[0])


def _check(graph: Graph, operator: Operator) -> None:
    shared.refuse_other_arity(operator, (3,))
    if None in operator.inputs:
        raise RefusedError("has an absent input", shared.QUANTIZE)
    sources, target = _tensors(graph, operator)
    if sources[0].dtype != "bool":
        raise RefusedError(f"has the {sources[0].dtype} condition", "compare with 0")
    moving.refuse_unmovable(operator, (*sources[1:], target), _DTYPES)
    broadcast.refuse_repeated_beyond(5, sources, target)
    broadcast.walk(sources, target)


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    return (np.where(*values).reshape(graph.tensor(operator.outputs[0]).shape),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    sources, target = _tensors(graph, operator)
    walk = broadcast.walk(sources, target)
    condition, x, y = operator.inputs
    assert condition is not None and x is not None and y is not None
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"{target.elements} {target.dtype} values, each one of two",
        kernel="tk_select",
        record="tk_select_layer",
        fields=(
            ("row", walk.row),
            *((f"steps[{i}]", step) for i, step in enumerate(walk.steps)),
            ("width", target.bytes // target.elements),
            ("loops", len(walk.loops)),
            ("loop", f"{operator.name}_loop" if walk.loops else "0"),
        ),
        inputs=(condition, x, y),
        outputs=operator.outputs,
        tables=walk.tables(),
        access=broadcast.access(*sources, target),
    )


SELECT_V2 = OpKind(
    tflite.SelectV2Options,
    shared.no_options,
    _check,
    _evaluate,
    _lower,
    "int8 or int16 of one scale, or float32; at most 6 dimensions",
)
