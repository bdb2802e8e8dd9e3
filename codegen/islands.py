"""Take ELU back to int8, which the converter computes in floats between DEQUANTIZE and QUANTIZE."""

from collections import Counter
from dataclasses import replace

from tinykit.codegen.ops.lookup import InFloats
from tinykit.core.graph import Graph, Operator


def without_islands(graph: Graph) -> Graph:
    """Return the graph with one ELU from int8 to int8 in the place of the three operators.

    Its answers are those of the three; the DEQUANTIZE stays, since others may read it.
    """
    makers = {number: o for o in graph.operators for number in o.outputs}
    reads = Counter(number for o in graph.operators for number in o.inputs)
    gone, found = set(), []
    for operator in graph.operators:
        curve = makers.get(_first(operator)) if operator.kind == "QUANTIZE" else None
        source = makers.get(_first(curve)) if curve and curve.kind == "ELU" else None
        if curve and source and _is_island(graph, source, curve, operator, reads):
            gone.add(curve.name)
            operator = replace(
                curve, inputs=source.inputs, outputs=operator.outputs, attributes=InFloats()
            )
        found.append(operator)
    kept = tuple(o for o in found if o.name not in gone or o.attributes == InFloats())
    return replace(graph, operators=kept)


def _first(operator: Operator) -> int:
    number = operator.inputs[0] if operator.inputs else None
    return -1 if number is None else number


def _is_island(
    graph: Graph, source: Operator, curve: Operator, last: Operator, reads: Counter[int | None]
) -> bool:
    if source.kind != "DEQUANTIZE" or any(len(o.inputs) != 1 for o in (source, curve, last)):
        return False
    value = curve.outputs[0]
    if reads[value] != 1 or value in graph.outputs:
        return False
    middle = (graph.tensor(curve.inputs[0]), graph.tensor(value))
    ends = (graph.tensor(source.inputs[0]), graph.tensor(last.outputs[0]))
    return all(t.dtype == "float32" for t in middle) and all(t.dtype == "int8" for t in ends)
