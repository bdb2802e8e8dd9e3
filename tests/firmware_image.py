"""Images of the stub model for tests, without codegen's model."""

from collections.abc import Sequence
from pathlib import Path

from tinykit.codegen.board_files import board_files, build_header
from tinykit.core.board import Board
from tinykit.host.apps import STREAM, app_sources
from tinykit.host.toolchain import Source, Toolchain, compile_image

STUB_MODEL = Path(__file__).parent / "c" / "stub_model.c"


def write_generated(board: Board, work: Path) -> None:
    """Write what codegen generates beside the model."""
    work.mkdir(parents=True, exist_ok=True)
    for name, text in board_files(board, "0").items():
        (work / name).write_text(text)
    (work / "build.h").write_text(build_header("0123456789abcdef", "stream", "0"))


def build_stub(
    toolchain: Toolchain,
    board: Board,
    work: Path,
    model: str | None = None,
    optimize: str = "size",
    defines: Sequence[str] = (),
) -> Path:
    """Build the streaming application around the stub model, or around another model's C text."""
    write_generated(board, work)
    (work / "stub_model.c").write_text(model or STUB_MODEL.read_text())
    sources = [*app_sources(board, STREAM), Source(work / "stub_model.c")]
    sources = [Source(each.path, optimize) for each in sources]
    return compile_image(toolchain, board, sources, work, defines=defines)
