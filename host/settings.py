"""What a command works with: its options first, then tinykit.toml, then the defaults."""

from pathlib import Path

from tinykit.core.board import Board, find_board, linked_by
from tinykit.core.config import CHOICES, FILE_NAME, load_config
from tinykit.core.data import load_dataset
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph
from tinykit.host.apps import STREAM, find_app
from tinykit.host.build import BuildOptions, build, read_model, tflm_options
from tinykit.host.samples import Samples, from_dataset, random_samples

RANDOM_INPUTS = 20
MODELS_USB = ("unicorn",)  # the emulators that do


def chosen_model(model: Path | None) -> Path:
    """Return the model file.

    Raises:
        TinykitError: none is given, and tinykit.toml names none.
    """
    path = model if model is not None else load_config(Path()).model
    if path is None:
        raise TinykitError(
            f"no model is given, and there is no {FILE_NAME} here that names one",
            "tinykit build MODEL.tflite --board nano33",
        )
    return path


def chosen_board(board: str | None, boards: Path | None = None) -> Board:
    """Return the board: one of ours, or of the user's folder `boards`.

    Raises:
        TinykitError: none is given, and tinykit.toml names none; or there is no such board.
    """
    name = board if board is not None else load_config(Path()).board
    if name is None:
        raise TinykitError("no board is given", "--board nano33; all: tinykit boards")
    return find_board(name, chosen_boards(boards))


def wired(
    board: Board, options: BuildOptions, wire: str | None = None, emulator: str | None = None
) -> Board:
    """Return the board with its link over the wire that the user says, or else expects.

    That is the usual one where tinykit's own link is on it, and the emulator, if one is named,
    models it.

    Raises:
        TinykitError: it has no such wire.
    """
    if wire is None and options.app == STREAM.name and options.engine == "native":
        wire = board.link.usual if emulator in (None, *MODELS_USB) else "uart"
    return board if wire is None else linked_by(board, wire)


def chosen_boards(boards: Path | None) -> Path | None:
    """Return the folder of the user's own boards, if there is one.

    Raises:
        TinykitError: it does not exist.
    """
    folder = boards if boards is not None else load_config(Path()).boards
    if folder is not None and not folder.is_dir():
        raise TinykitError(f"{folder} is no folder of boards", "make one: docs/adding-a-board.md")
    return folder


def build_options(
    engine: str | None,
    app: str | None,
    optimize: str | None,
    encoding: str | None,
    toolchain: str | None,
    keep_input: bool,
    trace: bool,
    folder: Path = Path(),
) -> BuildOptions:
    """Return the options of a build.

    Raises:
        TinykitError: a value is not among the choices, or means nothing to the engine.
    """
    config = load_config(folder)
    engine = _choice("engine", engine, config.engine, "native")
    chosen = find_app(app or STREAM.name, engine)
    if trace and not chosen.linked:
        raise TinykitError(f"--trace means nothing to --app {chosen.name}", "leave --trace out")
    if engine == "tflm":
        _refuse_native_options(optimize, encoding, toolchain, keep_input)
        return tflm_options(trace, config.tflm.tree)
    return BuildOptions(
        app=chosen.name,
        optimize=_choice("optimize", optimize, config.optimize, "balanced"),
        encoding=_choice("encoding", encoding, config.encoding, "auto"),
        toolchain=_choice("toolchain", toolchain, config.toolchain, "zig"),
        keep_input=keep_input,
        trace=trace,
    )


def _refuse_native_options(
    optimize: str | None, encoding: str | None, toolchain: str | None, keep_input: bool
) -> None:
    """Refuse what the tflm engine could only ignore; tinykit.toml may say it for the other."""
    given = {"optimize": optimize, "encoding": encoding, "keep-input": keep_input or None}
    if toolchain != "gcc":
        given["toolchain"] = toolchain
    for name, value in given.items():
        if value is not None:
            word = f"--{name}" if value is True else f"--{name} {value}"
            raise TinykitError(
                f"{word} means nothing to --engine tflm: its kernels come compiled, by gcc",
                f"leave --{name} out, or use --engine native",
            )


def build_for_bench(model: Path, board: Board, options: BuildOptions, folder: Path) -> None:
    """Build a model into a temporary folder."""
    build(read_model(model), model.name, board, options, folder)


def chosen_samples(
    graph: Graph, data: Path | None, inputs: int | None, seed: int, folder: Path = Path()
) -> Samples:
    """Return the data set's samples, tinykit.toml's, or seeded random ones."""
    path = data if data is not None else load_config(folder).data
    if path is None:
        return random_samples(graph, inputs or RANDOM_INPUTS, seed)
    return from_dataset(graph, load_dataset(path), path.name, inputs)


def _choice(name: str, given: str | None, configured: str | None, usual: str) -> str:
    """Return what the command line says, else tinykit.toml, else the default."""
    value = next(each for each in (given, configured, usual) if each is not None)
    if value not in CHOICES[name]:
        choices = " or ".join(CHOICES[name])
        raise TinykitError(f"there is no --{name} '{value}'", f"--{name} {choices}")
    return value
