"""Let the windows behind a PAD reach over the edge instead, so that nothing is padded."""

from dataclasses import replace

import numpy as np

from tinykit.codegen.layer import RefusedError
from tinykit.codegen.ops.shared import Pads
from tinykit.codegen.ops.table import KINDS
from tinykit.core.graph import Graph, Operator, Tensor

_INT8_MIN = -128


def fuse_pads(graph: Graph) -> Graph:
    """Return the graph without the PADs that all of their readers can do without."""
    for pad in reversed(graph.operators):
        if pad.kind in ("PAD", "PADV2") and pad.outputs[0] not in graph.outputs:
            graph = _without(graph, pad) or _without_behind_view(graph, pad) or graph
    return graph


def _without_behind_view(graph: Graph, pad: Operator) -> Graph | None:
    """Do the same with a view between PAD and window, as it stands before a Conv1D."""
    views = [o for o in graph.operators if pad.outputs[0] in o.inputs]
    if len(views) != 1 or views[0].kind not in ("EXPAND_DIMS", "RESHAPE"):
        return None
    (view,) = views
    pairs = _viewed_pads(graph, pad, view)
    if pairs is None or view.outputs[0] in graph.outputs:
        return None
    source, target = graph.tensor(pad.inputs[0]), graph.tensor(view.outputs[0])
    if graph.tensor(pad.outputs[0]).quantization != target.quantization:
        return None
    shape = tuple(n - sum(pair) for n, pair in zip(target.shape, pairs, strict=True))
    count, numbers = len(graph.tensors), np.array(pairs, np.int32)
    new = (
        replace(target, shape=shape, quantization=source.quantization),
        Tensor(f"{pad.name} paddings", numbers.shape, "int32", None, numbers),
    )
    first = replace(view, inputs=(pad.inputs[0], *view.inputs[1:]), outputs=(count,))
    second = replace(pad, inputs=(count, count + 1, *pad.inputs[2:]), outputs=view.outputs)
    swapped = dict(zip((pad.name, view.name), (first, second), strict=True))
    operators = tuple(swapped.get(o.name, o) for o in graph.operators)
    turned = replace(graph, tensors=(*graph.tensors, *new), operators=operators)
    return _without(turned, second)


def _viewed_pads(graph: Graph, pad: Operator, view: Operator) -> list[tuple[int, int]] | None:
    """Return the paddings of a view's axes, or None if it does more than add axes of length 1."""
    numbers = graph.tensor(pad.inputs[1]).data
    before, after = graph.tensor(view.inputs[0]).shape, graph.tensor(view.outputs[0]).shape
    if numbers is None or [n for n in before if n > 1] != [n for n in after if n > 1]:
        return None
    pairs = iter([pair for n, pair in zip(before, numbers.tolist(), strict=True) if n > 1])
    return [next(pairs) if n > 1 else (0, 0) for n in after]


def _without(graph: Graph, pad: Operator) -> Graph | None:
    readers = [o for o in graph.operators if pad.outputs[0] in o.inputs]
    fused = {reader.name: _reaching(graph, pad, reader) for reader in readers}
    if not fused or None in fused.values():
        return None
    operators = [fused.get(o.name) or o for o in graph.operators if o.name != pad.name]
    return replace(graph, operators=tuple(operators))


def _reaching(graph: Graph, pad: Operator, reader: Operator) -> Operator | None:
    """Return a reader that pads for itself, or None if it cannot."""
    source, target = graph.tensor(pad.inputs[0]), graph.tensor(pad.outputs[0])
    numbers = graph.tensor(pad.inputs[1]).data
    if numbers is None or len(target.shape) != 4 or source.quantization != target.quantization:
        return None
    batch, rows, columns, depth = numbers.tolist()
    if source.data is not None or source.dtype != "int8" or any((*batch, *depth)):
        return None
    if _value(graph, pad) != _outside(graph, pad, reader):
        return None
    padding = reader.attributes.padding
    if isinstance(padding, Pads):
        return None
    pads = Pads((rows[0], columns[0]), (rows[1], columns[1]), padding)
    attributes = replace(reader.attributes, padding=pads)
    fused = replace(reader, inputs=(pad.inputs[0], *reader.inputs[1:]), attributes=attributes)
    try:
        KINDS[reader.kind].check(graph, fused)
    except RefusedError:  # a size that the kernel's record has no room for
        return None
    return fused


def _value(graph: Graph, pad: Operator) -> int:
    """Return what a PAD writes."""
    if len(pad.inputs) < 3 or pad.inputs[2] is None:
        return graph.tensor(pad.outputs[0]).zero_point
    data = graph.tensor(pad.inputs[2]).data
    assert data is not None
    return int(data.ravel()[0])


def _outside(graph: Graph, pad: Operator, reader: Operator) -> int | None:
    """Return what a window of this operator reads outside of the image, None if no value."""
    if reader.kind == "CONV_2D" and graph.tensor(reader.inputs[1]).shape[1:3] == (1, 1):
        return None  # its kernel reads the image where it lies
    if reader.kind in ("CONV_2D", "DEPTHWISE_CONV_2D"):
        return graph.tensor(pad.outputs[0]).zero_point
    # the least number never is the maximum, unless there is nothing else
    return _INT8_MIN if reader.kind == "MAX_POOL_2D" else None
