"""Build a firmware folder from a .tflite model: compile, link, measure, write it whole."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from tinykit.codegen.board_files import board_files, build_header, memory_script
from tinykit.codegen.compile import Compiled, compile_model
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.render import render
from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.core.files import atomic_folder, refuse_foreign_folder
from tinykit.host import record as records
from tinykit.host.image import Image, check_image, read_image, to_hex, to_map
from tinykit.host.kernels import kernel_files
from tinykit.host.record import BuildRecord, LinkRecord, PortRecord
from tinykit.host.renode_files import renode_files
from tinykit.host.sizes import measure, reserved_stack
from tinykit.host.toolchain import (
    FIRMWARE,
    Source,
    Toolchain,
    app_sources,
    compile_objects,
    find_toolchain,
    link_image,
)
from tinykit.host.version import VERSION

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Hold what the user decides about a build.

    Attributes:
        app: "stream".
        optimize: "size", "balanced" or "speed".
        encoding: "auto" or "dense".
        toolchain: "zig" or "gcc".
        keep_input: inference leaves the inputs as they are.
        trace: the image can stop behind each layer, for `verify --layers`.
    """

    app: str = "stream"
    optimize: str = "balanced"
    encoding: str = "auto"
    toolchain: str = "zig"
    keep_input: bool = False
    trace: bool = False


def read_model(path: Path) -> bytes:
    """Return a model file's bytes.

    Raises:
        TinykitError: no such file.
    """
    try:
        return path.read_bytes()
    except IsADirectoryError:
        raise TinykitError(f"{path} is a folder", "give the .tflite file") from None
    except OSError as error:
        raise TinykitError(
            f"{path}: {error.strerror}", "make one: tinykit quantize model.keras -o model.tflite"
        ) from None


def build(
    data: bytes,
    source: str,
    board: Board,
    options: BuildOptions,
    output: Path,
    force: bool = False,
    progress: Progress = lambda _stage: None,
) -> BuildRecord:
    """Build a firmware folder.

    Args:
        data: the .tflite file's bytes.
        source: its file name without a folder.
        board: what to build for.
        options: what the user decides.
        output: the folder; one that we built before is replaced, whole or not at all.
        force: replace any other folder too.
        progress: told what is being done.

    Raises:
        TinykitError: the model cannot be compiled, or `output` is not ours to replace.
        CheckFailedError: the image does not fit the board.
        MissingToolError: the toolchain is not installed.
    """
    refuse_foreign_folder(output, force)
    toolchain = find_toolchain(options.toolchain, board.core)
    progress("compiling the model")
    model = compile_model(
        data,
        source,
        VERSION,
        LowerOptions(options.optimize, options.encoding, board.dsp),
        options.keep_input,
    )
    if not source.endswith(".tflite"):  # it may be called like one of the files we write
        source += ".tflite"
    with atomic_folder(output) as work:
        (work / source).write_bytes(data)
        record = _fill(work, model, source, board, options, toolchain, progress)
        shutil.rmtree(work / "objects")
    return record


def _fill(
    work: Path,
    model: Compiled,
    source: str,
    board: Board,
    options: BuildOptions,
    toolchain: Toolchain,
    progress: Progress,
) -> BuildRecord:
    """Write everything into the folder `work`."""
    for name, text in {**model.files, **board_files(board, VERSION)}.items():
        (work / name).write_text(text)
    sources = _sources(work, model, board, options)
    build_id = _build_id(work, sources, board, options, toolchain)
    (work / "build.h").write_text(build_header(build_id, options.app, VERSION))
    progress(f"compiling {len(sources)} C files with {toolchain.version}")
    defines = ["TK_TRACE=1"] if options.trace else []
    objects = compile_objects(toolchain, board, sources, work, defines=defines)
    reserved = reserved_stack(work / "objects", model.name, board)
    (work / "memory.ld").write_text(memory_script(board, VERSION, reserved))
    image = read_image(link_image(toolchain, board, objects, work))
    check_image(image, board)
    _write_images(work, image)
    record = _record(work, model, source, board, options, toolchain, build_id, image)
    readme = render(
        "readme.md.j2",
        record=record,
        board=board,
        version=VERSION,
        flash_command=_flash_command(board),
    )
    (work / "README.md").write_text(readme)
    if "renode" in board.emulators:
        for name, text in renode_files(image, model.name, board, build_id).items():
            (work / name).write_text(text)
    (work / records.FILE_NAME).write_text(record.to_json())
    return record


def _sources(work: Path, model: Compiled, board: Board, options: BuildOptions) -> list[Source]:
    # the application may be small everywhere: its loops wait for bytes, and do not multiply
    application = [Source(s.path, "size") for s in app_sources(board, options.app)]
    level = options.optimize
    kernels = [Source(path, level) for path in kernel_files(model.files[f"{model.name}.c"])]
    generated = [Source(work / f"{model.name}.c", level), Source(work / "app_model.c", "size")]
    return [*generated, *kernels, *application]


def _build_id(
    work: Path, sources: list[Source], board: Board, options: BuildOptions, toolchain: Toolchain
) -> str:
    """Return 16 hex digits over everything that decides the image."""
    sha = hashlib.sha256(repr((VERSION, board, options, toolchain.version)).encode())
    headers = [*FIRMWARE.rglob("*.h"), *FIRMWARE.rglob("*.ld"), *work.glob("*.h")]
    for path in [*(s.path for s in sources), *sorted(headers), work / "memory.ld"]:
        sha.update(path.name.encode())
        sha.update(path.read_bytes())
    return sha.hexdigest()[:16]


def _write_images(work: Path, image: Image) -> None:
    (work / "firmware.bin").write_bytes(image.data)
    (work / "firmware.hex").write_text(to_hex(image))
    (work / "firmware.map").write_text(to_map(image))


def _record(
    work: Path,
    model: Compiled,
    source: str,
    board: Board,
    options: BuildOptions,
    toolchain: Toolchain,
    build_id: str,
    image: Image,
) -> BuildRecord:
    return BuildRecord(
        schema=records.SCHEMA,
        model=model.name,
        digest=model.graph.digest(),
        build_id=build_id,
        board=board.name,
        engine="native",
        app=options.app,
        toolchain=toolchain.version,
        optimize=options.optimize,
        encoding=options.encoding,
        dsp=board.dsp,
        keep_input=options.keep_input,
        trace=options.trace,
        files={
            "model": source,
            "elf": "firmware.elf",
            "bin": "firmware.bin",
            "hex": "firmware.hex",
            "map": "firmware.map",
            "plan": "plan.json",
        },
        image_bytes=image.flash_bytes,
        image_crc32=image.crc32,
        removed_channels=model.program.removed_channels,
        sizes=measure(image, work / "objects", model.name, board),
        link=LinkRecord(board.link.baud, board.link.tx_pin, board.link.rx_pin),
        inputs=[_port(model, number) for number in model.graph.inputs],
        outputs=[_port(model, number) for number in model.graph.outputs],
    )


def _port(model: Compiled, number: int) -> PortRecord:
    tensor = model.graph.tensors[number]
    return PortRecord(
        name=tensor.name,
        shape=list(tensor.shape),
        dtype=tensor.dtype,
        scale=tensor.scale if tensor.quantization else None,
        zero_point=tensor.zero_point if tensor.quantization else None,
        offset=model.plan.offsets[number],
        bytes=tensor.bytes,
    )


def _flash_command(board: Board) -> str | None:
    if board.flasher is None:
        return None
    image = f"firmware.{board.flasher.image}"
    words = [word.format(port="PORT", image=image) for word in board.flasher.arguments]
    return " ".join([board.flasher.tool, *words])
