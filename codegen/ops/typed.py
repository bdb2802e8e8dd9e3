"""Operators that TFLM computes in several types: the first input decides which module does."""

from collections.abc import Mapping

from tinykit.codegen.layer import Arrays, Layer, LowerOptions, OpKind
from tinykit.core.graph import Graph, Operator


def by_type(usual: OpKind, others: Mapping[str, OpKind]) -> OpKind:
    """Join the ways to compute an operator.

    Args:
        usual: for the types that are not named, which it refuses or not.
        others: by dtype; options and attributes are those of the usual one.
    """

    def chosen(graph: Graph, operator: Operator) -> OpKind:
        if not operator.inputs or operator.inputs[0] is None:
            return usual
        return others.get(graph.tensor(operator.inputs[0]).dtype, usual)

    def check(graph: Graph, operator: Operator) -> None:
        chosen(graph, operator).check(graph, operator)

    def evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
        return chosen(graph, operator).evaluate(graph, operator, values)

    def lower(graph: Graph, operator: Operator, options: LowerOptions) -> Layer | tuple[Layer, ...]:
        make = chosen(graph, operator).lower
        assert make is not None
        return make(graph, operator, options)

    limits = "; ".join(part for part in (usual.limits, f"{' and '.join(others)} too") if part)
    return OpKind(usual.options, usual.read, check, evaluate, lower, limits)
