"""ADD_N: the sum of several tensors of one shape, scale and zero point."""

from dataclasses import dataclass

import numpy as np
import tflite

from tinykit.codegen.access import one_by_one
from tinykit.codegen.layer import Arrays, Field, Layer, LowerOptions, OpKind, RefusedError
from tinykit.codegen.ops import moving, shared
from tinykit.codegen.ops.binary import check_below_one
from tinykit.core import fixedpoint
from tinykit.core.graph import Graph, Operator, Tensor

_MOST_TERMS = 8  # TK_TERMS
_FRACTION_BITS = 19  # of a sum, in steps of the input


@dataclass(frozen=True, slots=True)
class Total:
    """Hold how a sum of values becomes an output; CUMSUM has the same.

    TFLM starts each sum at minus the zero point, not at zero: docs/exactness.md.
    """

    in_zero: int
    out_zero: int
    multiplier: int
    shift: int

    def finished(self, sums: shared.Ints) -> shared.Ints:
        """Return the outputs of sums of what values lie above the zero point."""
        raised = fixedpoint.wrap32((sums - self.in_zero) << _FRACTION_BITS)
        scaled = fixedpoint.requantize(raised, self.multiplier, self.shift) + self.out_zero
        return np.clip(scaled, -128, 127)

    def field(self) -> Field:
        """Return the member `total` of a kernel's record."""
        return (
            "total",
            (
                ("multiplier", self.multiplier),
                ("shift", self.shift),
                ("in_zero", self.in_zero),
                ("out_zero", self.out_zero),
            ),
        )


def _factor(source: Tensor, target: Tensor) -> float:
    return 2.0 * source.scale / (2.0 ** (_FRACTION_BITS + 1) * target.scale)


def total(source: Tensor, target: Tensor) -> Total:
    """Return how sums of an input's values become outputs."""
    multiplier, shift = fixedpoint.quantize_multiplier(_factor(source, target))
    return Total(source.zero_point, target.zero_point, multiplier, shift)


def refuse_other_tensors(source: Tensor, target: Tensor) -> None:
    """Raise unless TFLM sums values of the input to values of the output."""
    shared.refuse_not_int8(source, target)
    moving.refuse_other_shape(target, source.shape)
    check_below_one([_factor(source, target)])


def _check(graph: Graph, operator: Operator) -> None:
    if len(operator.inputs) > _MOST_TERMS:
        raise RefusedError(
            f"adds {len(operator.inputs)} tensors, the most is {_MOST_TERMS}",
            "add them in two steps",
        )
    shared.refuse_other_arity(operator, range(2, _MOST_TERMS + 1))
    if None in operator.inputs:
        raise RefusedError(f"lacks its input {operator.inputs.index(None)}", shared.QUANTIZE)
    first, *others = (graph.tensor(number) for number in operator.inputs)
    refuse_other_tensors(first, graph.tensor(operator.outputs[0]))
    for other in others:
        shared.refuse_not_int8(other)
        if (other.shape, other.zero_point) != (first.shape, first.zero_point):
            raise RefusedError(f"adds {other.shape} '{other.name}' to another", shared.QUANTIZE)
        if other.scale != first.scale:
            raise RefusedError(
                f"adds the scales {first.scale:g} and {other.scale:g}, as TFLM cannot",
                "add two tensors at a time",
            )


def _evaluate(graph: Graph, operator: Operator, values: Arrays) -> Arrays:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    sums = sum((value.astype(np.int64) - source.zero_point for value in values), np.int64(0))
    return (total(source, target).finished(np.asarray(sums)).astype(np.int8),)


def _lower(graph: Graph, operator: Operator, _options: LowerOptions) -> Layer:
    source, target = graph.tensor(operator.inputs[0]), graph.tensor(operator.outputs[0])
    terms = tuple(number for number in operator.inputs if number is not None)
    computed = next(number for number in terms if graph.tensor(number).data is None)
    return Layer(
        name=operator.name,
        kind=operator.kind,
        summary=f"sum of {len(terms)} tensors of {target.elements} values",
        kernel="tk_add_n_s8",
        record="tk_add_n_layer",
        fields=(
            total(source, target).field(),
            ("count", target.elements),
            ("terms", len(terms)),
        ),
        # the kernel takes so many pointers, and follows as many as there are terms
        inputs=terms + (computed,) * (_MOST_TERMS - len(terms)),
        outputs=operator.outputs,
        access=(one_by_one(source.bytes),) * _MOST_TERMS,
    )


KIND = OpKind(
    tflite.AddNOptions,
    shared.no_options,
    _check,
    _evaluate,
    _lower,
    f"up to {_MOST_TERMS} tensors of one shape and scale",
)
