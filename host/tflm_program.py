"""Make a program for TensorFlow Lite Micro: sized by running it, linked with the user's library."""

import tempfile
from collections.abc import Callable
from pathlib import Path

from tinykit.codegen.board_files import board_files, build_header, memory_script
from tinykit.codegen.tflm import Arena, TflmModel, emit_tflm, read_model
from tinykit.core.board import Board
from tinykit.core.errors import MissingToolError, TinykitError
from tinykit.host.apps import STREAM, app_sources
from tinykit.host.inputs import fixed_input
from tinykit.host.program import Program
from tinykit.host.sizes import measure_library, with_faults
from tinykit.host.tflm_arena import Need, find_need, probe_arena_bytes, probe_stack_bytes
from tinykit.host.tflm_tree import TflmTree, find_tree
from tinykit.host.toolchain import (
    FIRMWARE,
    Library,
    Source,
    Toolchain,
    compile_image,
)
from tinykit.host.version import VERSION

ENGINE = FIRMWARE / "engines"
STACK_RESERVE_BYTES = 128  # another input than the measured one may go another way


def tflm_program(
    data: bytes,
    source: str,
    board: Board,
    toolchain: Toolchain,
    trace: bool,
    configured: Path | None,
    progress: Callable[[str], None],
) -> Program:
    """Put a model into an application on TensorFlow Lite Micro.

    Args:
        data: the .tflite file's bytes.
        source: its file name without a folder.
        board: what to build for, as require_board lets it be.
        toolchain: gcc.
        trace: the image can stop behind each layer.
        configured: the tree of tinykit.toml.
        progress: told what is being done.

    Raises:
        TinykitError: the model cannot be checked.
        CheckFailedError: it does not fit the board.
        MissingToolError: there is no tree of TensorFlow Lite Micro for the board.
    """
    _refuse_toolchain(toolchain)
    tree = find_tree(board, configured)
    model = read_model(data, source)
    library = _library(tree)
    progress("finding the least arena, by running")
    need = _need(model, data, source, board, toolchain, library)
    origin = f"The least that works with {tree.name}, found by running."
    files = emit_tflm(model, data, source, VERSION, Arena(need.arena_bytes, origin))
    sources = [Source(ENGINE / "tk_tflm.cpp")]
    if trace:
        sources.append(Source(ENGINE / "tk_tflm_trace.cpp"))
    stack_bytes = with_faults(need.stack_bytes + STACK_RESERVE_BYTES, board)
    return Program(
        name=model.name,
        graph=model.graph,
        files=files,
        generated=((f"{model.name}.c", "size"), ("app_model.cpp", "size")),
        sources=tuple(sources),
        offsets={},
        removed_channels=0,
        reserved_stack=lambda _objects: stack_bytes,
        measure=lambda image, objects: measure_library(image, objects, model.name, board, need),
        library=library,
        library_name=tree.name,
    )


def require_board(board: Board) -> None:
    """Refuse a board that the engine is not made for.

    Raises:
        TinykitError: it is no Arm core, or nothing emulates it.
    """
    if board.core.startswith("riscv"):
        raise TinykitError(f"the tflm engine is for Arm, {board.name} is not", "--engine native")
    if not board.emulators:
        raise TinykitError(
            f"the tflm engine finds the size of its arena by running, and {board.name} has no "
            "emulator",
            "--engine native, or build for a board of the same core: tinykit boards",
        )


def _refuse_toolchain(toolchain: Toolchain) -> None:
    if toolchain.name != "gcc":
        raise TinykitError(
            f"the tflm engine is compiled with gcc, not with {toolchain.name}", "--toolchain gcc"
        )
    if not toolchain.cxx:
        raise MissingToolError(
            "arm-none-eabi-g++ is not on the PATH",
            "apt install gcc-arm-none-eabi libstdc++-arm-none-eabi-newlib",
        )


def _library(tree: TflmTree) -> Library:
    # Upstream compiles its own objects with the first; the headers differ without it.
    defines = ["TF_LITE_STATIC_MEMORY", "NDEBUG", "TF_LITE_STRIP_ERROR_STRINGS"]
    if tree.cmsis_nn:
        defines.append("CMSIS_NN")
    return Library(tree.root, tree.library, tree.include, tuple(defines))


def _need(
    model: TflmModel,
    data: bytes,
    source: str,
    board: Board,
    toolchain: Toolchain,
    library: Library,
) -> Need:
    """Build a probe and run it."""
    arena = Arena(probe_arena_bytes(board), "All that a probe can take.")
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        work = Path(name)
        files = {**emit_tflm(model, data, source, VERSION, arena), **board_files(board, VERSION)}
        files["build.h"] = build_header("0" * 16, STREAM.name, VERSION)
        files["memory.ld"] = memory_script(board, VERSION, probe_stack_bytes(board))
        for file, text in files.items():
            (work / file).write_text(text)
        ours = [ENGINE / "tk_tflm.cpp", ENGINE / "tk_tflm_probe.cpp"]
        ours += [work / f"{model.name}.c", work / "app_model.cpp"]
        sources = [*(Source(path) for path in ours), *app_sources(board, STREAM, libc=())]
        elf = compile_image(
            toolchain, board, sources, work, defines=["TK_TFLM_PROBE=1"], library=library
        )
        return find_need(elf, board, f"{model.name}_invoke", fixed_input(model.graph))
