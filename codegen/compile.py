"""The whole way from a .tflite file's bytes to C."""

from dataclasses import dataclass
from typing import Any

from numpy.typing import NDArray

from tinykit.codegen.emit import emit
from tinykit.codegen.importer import import_tflite
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.lower import Program, lower
from tinykit.codegen.names import model_name
from tinykit.codegen.picture import plan_svg
from tinykit.codegen.plan import Plan, plan
from tinykit.codegen.simplify import simplify
from tinykit.core.graph import Graph


@dataclass(frozen=True, slots=True)
class Compiled:
    """Hold a compiled model.

    Attributes:
        name: its C name.
        graph: as imported; the program has a graph of its own, of what is left to compute.
        program, plan: what it was made of.
        files: their texts by name.
    """

    name: str
    graph: Graph
    program: Program
    plan: Plan
    files: dict[str, str]

    def left_of(self, number: int, values: NDArray[Any]) -> NDArray[Any]:
        """Return what a board computes of a tensor's values, (..., channels)."""
        kept = self.program.kept.get(number)
        return values if kept is None else values[..., kept]


def compile_model(
    data: bytes,
    source: str,
    version: str,
    options: LowerOptions,
    keep_input: bool = False,
) -> Compiled:
    """Compile a model.

    Args:
        data: the .tflite file's bytes.
        source: its file name without a folder; the model's C name is made of it.
        version: tinykit's.
        options: what the user decides about code generation.
        keep_input: inference leaves the inputs as they are.

    Raises:
        TinykitError: it is no model that tinykit can compile.
    """
    graph = import_tflite(data, source)
    program = lower(simplify(graph, options), options)
    placed = plan(program, keep_input)
    name = model_name(source)
    files = emit(program, placed, name, source, version)
    files["plan.svg"] = plan_svg(program, placed, name, version)
    return Compiled(name, graph, program, placed, files)
