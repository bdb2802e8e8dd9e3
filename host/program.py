"""What an engine makes of a model for a board, ready to be compiled into an image."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinykit.codegen.compile import compile_model
from tinykit.codegen.layer import LowerOptions
from tinykit.core.board import Board
from tinykit.core.graph import Graph
from tinykit.host.image import Image
from tinykit.host.kernels import kernel_files
from tinykit.host.record import SizeRecord
from tinykit.host.sizes import measure, reserved_stack
from tinykit.host.toolchain import Library, Source
from tinykit.host.version import VERSION

Measure = Callable[[Image, Path], SizeRecord]


@dataclass(frozen=True, slots=True)
class Program:
    """Hold what is compiled and linked beside the application.

    Attributes:
        name: the model's C name.
        graph: what it computes.
        files: the generated files by name.
        generated: which of them are compiled, and how each is optimized.
        sources: files of ours to compile with them.
        offsets: where in the arena inputs and outputs lie, by tensor number, if that is known.
        removed_channels: how many channels are not computed, since nothing needs them.
        reserved_stack: says how much the linker reserves, from the folder of the objects.
        measure: attributes the image's bytes; takes the image and the folder of the objects.
        library: what the user's own library adds.
        library_name: what reports call it.
    """

    name: str
    graph: Graph
    files: dict[str, str]
    generated: tuple[tuple[str, str], ...]
    sources: tuple[Source, ...]
    offsets: dict[int, int]
    removed_channels: int
    reserved_stack: Callable[[Path], int]
    measure: Measure
    library: Library | None = None
    library_name: str = ""


def native_program(
    data: bytes, source: str, board: Board, options: LowerOptions, keep_input: bool
) -> Program:
    """Compile a model to C of our own.

    Raises:
        TinykitError: the model cannot be compiled.
    """
    model = compile_model(data, source, VERSION, options, keep_input)
    name, level = model.name, options.optimize
    kernels = kernel_files(model.files[f"{name}.c"])
    return Program(
        name=name,
        graph=model.graph,
        files=model.files,
        generated=((f"{name}.c", level), ("app_model.c", "size")),
        sources=tuple(Source(path, level) for path in kernels),
        offsets=model.plan.offsets,
        removed_channels=model.program.removed_channels,
        reserved_stack=lambda objects: reserved_stack(objects, name, board),
        measure=lambda image, objects: measure(image, objects, name, board),
    )
