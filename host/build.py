"""Build a firmware folder from a .tflite model: compile, link, measure, write it whole."""

import hashlib
import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from tinykit.codegen.board_files import board_files, build_header, memory_script
from tinykit.codegen.layer import LowerOptions
from tinykit.codegen.render import render
from tinykit.core.board import Board
from tinykit.core.errors import TinykitError
from tinykit.core.files import atomic_folder, refuse_foreign_folder
from tinykit.core.toml_writer import to_toml
from tinykit.host import record as records
from tinykit.host.apps import (
    NONE,
    OWN_LIBC,
    STREAM,
    App,
    app_emulators,
    app_sources,
    find_app,
    require_chip,
)
from tinykit.host.image import Image, check_image, read_image, to_hex, to_map
from tinykit.host.isa import check_isa
from tinykit.host.own import write_own
from tinykit.host.program import Program, native_program
from tinykit.host.record import BuildRecord, LinkRecord, PortRecord
from tinykit.host.renode_files import renode_files, runs_in_renode
from tinykit.host.tflm_program import require_board, tflm_program
from tinykit.host.toolchain import (
    FIRMWARE,
    Source,
    Toolchain,
    compile_objects,
    find_toolchain,
    link_image,
)
from tinykit.host.uf2 import to_uf2
from tinykit.host.version import VERSION

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class BuildOptions:
    """Hold what the user decides about a build.

    Attributes:
        engine: "native" or "tflm", whose only options tflm_options makes.
        app: a name of host/apps.py.
        optimize: "size", "balanced" or "speed".
        encoding: "auto", or one for all layers that have it.
        toolchain: "zig" or "gcc".
        keep_input: inference leaves the inputs as they are.
        trace: the image can stop behind each layer, for `verify --layers`.
        hooks: the text of the user's hooks.c; "" takes the one that is generated.
        tree: where the tflm engine finds its library, unless $TINYKIT_TFLM says it.
    """

    engine: str = "native"
    app: str = STREAM.name
    optimize: str = "balanced"
    encoding: str = "auto"
    toolchain: str = "zig"
    keep_input: bool = False
    trace: bool = False
    hooks: str = ""
    tree: Path | None = field(default=None, repr=False)  # no part of the build's id


def tflm_options(trace: bool = False, tree: Path | None = None) -> BuildOptions:
    """Return the options of a build on TFLM: its kernels are compiled already."""
    return BuildOptions(
        "tflm", optimize="size", encoding="dense", toolchain="gcc", trace=trace, tree=tree
    )


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
    require_chip(find_app(options.app, options.engine), board)
    if options.engine == "tflm":
        require_board(board)
    toolchain = find_toolchain(options.toolchain, board.core)
    progress("compiling the model")
    if options.engine == "tflm":
        program = tflm_program(
            data, source, board, toolchain, options.trace, options.tree, progress
        )
    else:
        lowering = LowerOptions(options.optimize, options.encoding, board.dsp, board.isa)
        program = native_program(data, source, board, lowering, options.keep_input)
    if not source.endswith(".tflite"):  # it may be called like one of the files we write
        source += ".tflite"
    with atomic_folder(output) as work:
        (work / source).write_bytes(data)
        record = _fill(work, program, source, board, options, toolchain, progress)
        shutil.rmtree(work / "objects")
    return record


def _fill(
    work: Path,
    program: Program,
    source: str,
    board: Board,
    options: BuildOptions,
    toolchain: Toolchain,
    progress: Progress,
) -> BuildRecord:
    """Write everything into the folder `work`."""
    app = find_app(options.app, options.engine)
    facts = app.generate(program.graph, source, VERSION)
    if options.hooks:
        facts[app.hooks] = options.hooks
    for name, text in {**program.files, **facts, **board_files(board, VERSION)}.items():
        (work / name).write_text(text)
    (work / f"{board.name}.toml").write_text(to_toml(board))
    sources = _sources(work, program, board, app)
    build_id = _build_id(work, sources, program, board, options, toolchain)
    (work / "build.h").write_text(build_header(build_id, options.app, VERSION))
    progress(f"compiling {len(sources)} files with {toolchain.version}")
    defines = ["TK_TRACE=1"] if options.trace else []
    library = program.library
    objects = compile_objects(toolchain, board, sources, work, defines=defines, library=library)
    reserved = program.reserved_stack(work / "objects")
    (work / "memory.ld").write_text(memory_script(board, VERSION, reserved))
    image = read_image(link_image(toolchain, board, objects, work, library))
    check_image(image, board)
    check_isa(work / "firmware.elf", board)
    images = _write_images(work, image, board)
    record = _record(work, program, source, board, options, toolchain, build_id, image, images)
    renode = runs_in_renode(board)
    readme = render(
        "readme.md.j2",
        record=record,
        board=board,
        version=VERSION,
        flash_command=_flash_command(board),
        renode=renode,
        emulators=app_emulators(app, board),
        linked=app.linked,
        asks=_asks(app, board),
    )
    (work / "README.md").write_text(readme)
    if app is NONE:
        write_own(work, program, board, toolchain, list(zip(sources, objects, strict=True)))
    if renode:
        for name, text in renode_files(image, program.name, board, build_id, app.linked).items():
            (work / name).write_text(text)
    (work / records.FILE_NAME).write_text(record.to_json())
    return record


def _asks(app: App, board: Board) -> str:
    """Return what flash does after it has written."""
    if not app.linked:
        return ""
    asks = "asks the board what it runs"
    return (
        f", then {asks}" if board.link.usb else f"; with `--link` and the adapter's port it {asks}"
    )


def _sources(work: Path, program: Program, board: Board, app: App) -> list[Source]:
    generated = [Source(work / name, level) for name, level in program.generated]
    own = [Source(work / name, "size") for name in app.compiled]
    libc = OWN_LIBC if program.library is None else ()
    return [*generated, *program.sources, *own, *app_sources(board, app, libc)]


def _build_id(
    work: Path,
    sources: list[Source],
    program: Program,
    board: Board,
    options: BuildOptions,
    toolchain: Toolchain,
) -> str:
    """Return 16 hex digits over everything that decides the image."""
    sha = hashlib.sha256(repr((VERSION, board, options, toolchain.version)).encode())
    headers = [
        *FIRMWARE.rglob("*.h"),
        *FIRMWARE.rglob("*.inc"),
        *FIRMWARE.rglob("*.ld"),
        *work.glob("*.h"),
    ]
    for path in [*(s.path for s in sources), *sorted(headers), work / "memory.ld"]:
        sha.update(path.name.encode())
        sha.update(path.read_bytes())
    if program.library is not None:
        sha.update(program.library.archive.read_bytes())
    return sha.hexdigest()[:16]


def _write_images(work: Path, image: Image, board: Board) -> dict[str, str]:
    """Write the image in every form that somebody asks for; return their names by kind."""
    files = {
        "bin": image.data,
        "hex": to_hex(image).encode(),
        "map": to_map(image).encode(),
    }
    if board.flasher is not None and board.flasher.image == "uf2":
        assert board.flasher.drive is not None
        files["uf2"] = to_uf2(image, board.flasher.drive.uf2_family)
    for kind, data in files.items():
        (work / f"firmware.{kind}").write_bytes(data)
    return {kind: f"firmware.{kind}" for kind in ("elf", *files)}


def _record(
    work: Path,
    program: Program,
    source: str,
    board: Board,
    options: BuildOptions,
    toolchain: Toolchain,
    build_id: str,
    image: Image,
    images: dict[str, str],
) -> BuildRecord:
    link = board.link
    return BuildRecord(
        schema=records.SCHEMA,
        model=program.name,
        digest=program.graph.digest(),
        build_id=build_id,
        board=board.name,
        engine=options.engine,
        library=program.library_name,
        app=options.app,
        toolchain=toolchain.version,
        optimize=options.optimize,
        encoding=options.encoding,
        dsp=board.dsp,
        keep_input=options.keep_input,
        trace=options.trace,
        files={"model": source, "board": f"{board.name}.toml", **images, "plan": "plan.json"},
        image_bytes=image.flash_bytes,
        image_crc32=image.crc32,
        removed_channels=program.removed_channels,
        sizes=program.measure(image, work / "objects"),
        link=LinkRecord(link.baud, link.tx_pin, link.rx_pin, link.usb),
        inputs=[_port(program, number) for number in program.graph.inputs],
        outputs=[_port(program, number) for number in program.graph.outputs],
    )


def _port(program: Program, number: int) -> PortRecord:
    tensor = program.graph.tensors[number]
    return PortRecord(
        name=tensor.name,
        shape=list(tensor.shape),
        dtype=tensor.dtype,
        scale=tensor.scale if tensor.quantization else None,
        zero_point=tensor.zero_point if tensor.quantization else None,
        offset=program.offsets.get(number),
        bytes=tensor.bytes,
    )


def _flash_command(board: Board) -> str | None:
    if board.flasher is None:
        return None
    image = f"firmware.{board.flasher.image}"
    if board.flasher.drive is not None:
        return f"cp {image} /media/$USER/{board.flasher.drive.label}/"
    words = [w.format(port="PORT", serial="SERIAL", image=image) for w in board.flasher.arguments]
    return " ".join(f'"{w}"' if " " in w else w for w in (board.flasher.tool, *words))
