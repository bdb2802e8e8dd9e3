"""Leave out of a graph what need not be computed, without changing a bit of its outputs."""

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

from tinykit.codegen.channels import constants, needed
from tinykit.codegen.dilate import dilate
from tinykit.codegen.fuse import fuse_pads
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.packed import GROUP
from tinykit.codegen.shrink import shrink
from tinykit.core.graph import Graph


@dataclass(frozen=True, slots=True, eq=False)
class Simplified:
    """Hold a graph as imported, and what is left of it.

    Attributes:
        model: as imported; digest, ports and right answers are those of this graph.
        graph: what is computed; its tensors have the numbers that they have in the model.
        kept: by number, the channels that are left of a tensor that has lost some.
    """

    model: Graph
    graph: Graph
    kept: dict[int, NDArray[np.int64]] = field(default_factory=dict)


def simplify(model: Graph, options: LowerOptions) -> Simplified:
    """Remove what nobody reads, blocks and PAD before windows, and, unless all is dense, dead
    channels.
    """
    graph = fuse_pads(without_unread(dilate(without_unread(model))))
    if options.encoding == "dense":
        return Simplified(model, graph)
    values = constants(graph)
    kept = {
        number: np.flatnonzero(stays)
        for number, stays in needed(graph, values, GROUP if options.dsp else 1).items()
        if not stays.all()
    }
    return Simplified(model, shrink(graph, kept, values), kept)


def without_unread(graph: Graph) -> Graph:
    """Remove the operators whose outputs nobody reads; those that change a state stay."""
    read, kept = set(graph.outputs), []
    for operator in reversed(graph.operators):
        if operator.states or read.intersection(operator.outputs):
            read.update(number for number in operator.inputs if number is not None)
            kept.append(operator)
    return replace(graph, operators=tuple(reversed(kept)))
