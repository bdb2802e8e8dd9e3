"""The whole way from a .tflite file's bytes to C."""

from dataclasses import dataclass

from tinykit.codegen.emit import emit
from tinykit.codegen.importer import import_tflite
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.lower import Program, lower
from tinykit.codegen.names import model_name
from tinykit.codegen.picture import plan_svg
from tinykit.codegen.plan import Plan, plan
from tinykit.core.graph import Graph


@dataclass(frozen=True, slots=True)
class Compiled:
    """Hold a compiled model: its C name, what it was made of, and the files by name."""

    name: str
    program: Program
    plan: Plan
    files: dict[str, str]

    @property
    def graph(self) -> Graph:
        """Return the graph."""
        return self.program.graph


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
    program = lower(graph, options)
    placed = plan(program, keep_input)
    name = model_name(source)
    files = emit(program, placed, name, source, version)
    files["plan.svg"] = plan_svg(program, placed, name, version)
    return Compiled(name, program, placed, files)
