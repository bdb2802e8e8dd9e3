"""The commands from a .tflite model onward: check, build, emulate, bench, ops."""

import shlex
import signal
import tempfile
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinykit.host.console import command, counter, messages, print_json, results, say

if TYPE_CHECKING:  # they take a moment to import
    from rich.console import RenderableType

    from tinykit.host.bench import BenchReport
    from tinykit.host.build import BuildOptions
    from tinykit.host.record import BuildRecord

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
BoardName = Annotated[str | None, typer.Option("--board", "-b", help="The board: tinykit boards.")]
Boards = Annotated[Path | None, typer.Option("--boards", help="A folder with boards of your own.")]
Output = Annotated[Path | None, typer.Option("--output", "-o", help="The folder to write.")]
EngineName = Annotated[str | None, typer.Option(help="native (default) or tflm: docs/tflm.md.")]
AppName = Annotated[str | None, typer.Option("--app", help="stream (default): docs/apps.md.")]
LinkName = Annotated[
    str | None,
    typer.Option(
        "--link", help="usb or uart, where the chip has both; [link] usual of the board's file."
    ),
]
Optimize = Annotated[str | None, typer.Option(help="size, balanced (default) or speed.")]
Encoding = Annotated[
    str | None,
    typer.Option(
        help="auto (default): zeros cost nothing where that pays; or dense, sparse, block, bitmap, "
        "codebook wherever a layer can be stored so."
    ),
]
ToolchainName = Annotated[str | None, typer.Option("--toolchain", help="zig (default) or gcc.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Port = Annotated[str | None, typer.Option("--port", "-p", help="The board's serial port.")]
EmulatorName = Annotated[
    str | None,
    typer.Option("--emulator", "-e", help="Run the image in unicorn, qemu or renode."),
]
ChosenEmulator = Annotated[
    str | None, typer.Option("--emulator", "-e", help="One of the board's; its first.")
]
Data = Annotated[Path | None, typer.Option(help="An .npz file with x and, to score, y.")]
Seed = Annotated[int, typer.Option(help="Of the random inputs.")]
Folder = Annotated[Path, typer.Argument(help="A folder that tinykit build made.")]


def check_command(
    model: Annotated[Path, typer.Argument(help="An int8 .tflite, or a .keras to be.")],
    custom: Annotated[
        Path | None, typer.Option(help="A Python file that registers a .keras model's classes.")
    ] = None,
    plan: Annotated[
        bool, typer.Option("--plan", help="Draw what lies where in the arena, layer by layer.")
    ] = False,
    board: Annotated[
        str | None, typer.Option("--board", "-b", help="Plan for this board, and look at no other.")
    ] = None,
    boards: Boards = None,
    json: Json = False,
) -> None:
    """Say whether a model compiles, on which boards it fits, and which layers are in the way.

    A .keras model is converted with random data first, so it can be checked before training.
    What boards need is an upper bound for any --optimize but speed.
    """
    from tinykit.core.board import board_paths, find_board, load_board
    from tinykit.core.errors import CheckFailedError
    from tinykit.host import show, show_plan
    from tinykit.host.build import read_model
    from tinykit.host.check import check_model
    from tinykit.host.settings import chosen_boards

    folder = chosen_boards(boards)
    if board is not None:
        wanted = [find_board(board, folder)]
    else:
        wanted = [load_board(path) for path in board_paths(folder).values()]
    with messages().status("checking"):
        keras = model.suffix == ".keras"
        data = _converted(model, custom) if keras else read_model(model)
        report = check_model(data, f"{model.stem}.tflite" if keras else model.name, wanted)
    if json:
        print_json(report)
    else:
        results().print(show.check(report))
        if plan and report.plan:
            results().print(show_plan.plan(report))
    if not report.compiles:
        first = report.obstacles[0]
        raise CheckFailedError(
            f"{model.name} does not compile: layer '{first.layer}' ({first.op}) {first.what}",
            first.hint,
        )
    if not any(fit.fits for fit in report.boards):
        raise CheckFailedError(
            f"{model.name} compiles but fits no board",
            "prune it, or make it smaller",
        )


def _converted(model: Path, custom: Path | None) -> bytes:
    from tinykit.prune.quantize import convert_untrained

    return convert_untrained(model, custom)


def build_command(
    model: Annotated[Path | None, typer.Argument(help="The .tflite file.")] = None,
    board: BoardName = None,
    boards: Boards = None,
    engine: EngineName = None,
    app: AppName = None,
    link: LinkName = None,
    optimize: Optimize = None,
    encoding: Encoding = None,
    toolchain: ToolchainName = None,
    keep_input: Annotated[
        bool, typer.Option("--keep-input", help="Inference leaves the input as it is.")
    ] = False,
    trace: Annotated[
        bool, typer.Option("--trace", help="The image can stop behind each layer.")
    ] = False,
    hooks: Annotated[
        Path | None, typer.Option(help="Your C file for --app sleep; hooks.c. Made if absent.")
    ] = None,
    output: Output = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Build firmware for a board from an int8 model.

    What is not given comes from tinykit.toml in the current folder.
    """
    from tinykit.host import show
    from tinykit.host.apps import APPS, NONE, app_emulators
    from tinykit.host.build import build, read_model
    from tinykit.host.hooks import keep_hooks, read_hooks
    from tinykit.host.record import planned_layers
    from tinykit.host.settings import build_options, chosen_board, chosen_model, wired

    path = chosen_model(model)
    facts = chosen_board(board, boards)
    options = build_options(engine, app, optimize, encoding, toolchain, keep_input, trace)
    facts = wired(facts, options, link)
    chosen = APPS[options.app]
    options = replace(options, hooks=read_hooks(chosen, hooks))
    folder = output if output is not None else Path("build") / facts.name
    data = read_model(path)
    with messages().status("") as status:
        record = build(data, path.name, facts, options, folder, force, status.update)
    written = keep_hooks(chosen, folder, hooks)
    if json:
        print_json({"folder": folder, **_plain(record)})
        return
    results().print(show.sizes(record, facts))
    if record.engine == "native":
        results().print(show.encodings(planned_layers(folder, record)))
    emulators = app_emulators(chosen, facts)
    if emulators or record.app == NONE.name:
        step = chosen.next_step.format(
            folder=shlex.quote(str(folder)), emulator=next(iter(emulators), "")
        )
    else:
        step = f"tinykit flash {folder}"
    if written is not None:
        say(f"wrote {written}, which is yours to change")
    say(f"wrote {folder}; next: {step}")


def emulate_command(
    folder: Folder,
    emulator: ChosenEmulator = None,
    seconds: Annotated[
        float | None,
        typer.Option(min=0, help="Of virtual time, then say how much was slept: --app sleep."),
    ] = None,
    json: Json = False,
) -> None:
    """Run an image in an emulator until Ctrl-C; its serial port is a pseudo-terminal.

    Other programs, tinykit verify --port among them, can talk to that port meanwhile.
    """
    from tinykit.host.apps import APPS, require_time
    from tinykit.host.record import built_board, read_record
    from tinykit.host.session import choose_emulator, start_for

    record = read_record(folder)
    board = built_board(folder, record)
    chosen = choose_emulator(emulator, board)
    require_time(APPS[record.app], board, chosen)
    if seconds is not None:
        _elapse(folder, record, chosen, seconds, json)
        return
    with start_for(folder, record, chosen) as running:
        if json:
            print_json({"port": running.port, "board": record.board, "emulator": chosen})
        else:
            results().print(running.port)
            verify = f"next: {command('verify', folder, '--port', running.port)}; "
            say(f"{verify if APPS[record.app].linked else ''}stop it with Ctrl-C")
        _wait(running)


def _elapse(folder: Path, record: "BuildRecord", emulator: str, seconds: float, json: bool) -> None:
    """Let time go by, and print how much of it was slept."""
    from tinykit.host.elapse import elapse

    with counter("seconds of virtual time") as progress:
        report = elapse(folder, record, emulator, seconds, progress)
    if json:
        print_json(report)
        return
    for line in report.said:
        results().print(line)
    awake, asleep = 100 * report.awake_share, 100 * report.sleep_share
    results().print(
        f"{report.virtual_s:.1f} s: awake {awake:.4f} %, asleep {asleep:.4f} %, "
        f"{report.resets} resets"
    )


def bench_command(
    target: Annotated[Path, typer.Argument(help="A .tflite file, or a folder of tinykit build.")],
    board: BoardName = None,
    boards: Boards = None,
    engine: Annotated[
        str | None, typer.Option(help="native (default), tflm, or both side by side.")
    ] = None,
    optimize: Optimize = None,
    encoding: Encoding = None,
    toolchain: ToolchainName = None,
    emulator: ChosenEmulator = None,
    inputs: Annotated[int, typer.Option(min=1, help="How many answers to check.")] = 20,
    seed: Seed = 1,
    profile: Annotated[
        bool, typer.Option("--profile", help="Where the instructions go: layers, functions.")
    ] = False,
    json: Json = False,
) -> None:
    """Count what one inference costs: flash, RAM, instructions, layer by layer.

    Instructions are counted exactly in the emulator, cycles are estimated from them.
    """
    from tinykit.core.config import load_config
    from tinykit.core.errors import TinykitError
    from tinykit.host import show
    from tinykit.host.build import tflm_options
    from tinykit.host.engines import compare
    from tinykit.host.settings import build_options

    if engine == "both":
        if profile:
            raise TinykitError("--profile shows one engine", "--engine native or --engine tflm")
        if target.is_dir():
            hint = "tinykit bench MODEL.tflite --board nano33 --engine both"
            raise TinykitError(f"{target} was built for one engine", hint)
        native = build_options("native", None, optimize, encoding, toolchain, False, False)
        pair = [
            _bench(target, (board, boards, "uart"), options, None, emulator, inputs, seed)
            for options in (native, tflm_options(tree=load_config(Path()).tflm.tree))
        ]
        both = compare(*pair)
        _show_bench(
            both if json else None, pair, (show.layer_pairs(both), show.engine_totals(both))
        )
        return
    options = build_options(engine, None, optimize, encoding, toolchain, False, False)
    report = _bench(target, (board, boards, None), options, engine, emulator, inputs, seed)
    parts = (show.cost(report), show.encodings(report.layers), show.totals(report))
    if profile:
        parts = (show.profile(report), show.hottest(report), show.totals(report))
    else:
        report = replace(report, functions=None)
    _show_bench(report if json else None, [report], parts)


def _bench(
    target: Path,
    board: tuple[str | None, Path | None, str | None],
    options: "BuildOptions",
    engine: str | None,
    emulator: str | None,
    inputs: int,
    seed: int,
) -> "BenchReport":
    """Build a model if it is not built yet, and count.

    `board` is its name, the folder of the user's own, and the wire of its link.
    """
    from tinykit.core.errors import TinykitError
    from tinykit.host.bench import bench
    from tinykit.host.loaded import load
    from tinykit.host.record import built_board, read_record
    from tinykit.host.samples import random_samples
    from tinykit.host.session import Place, choose_emulator
    from tinykit.host.settings import build_for_bench, chosen_board, wired

    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        folder = target
        if not target.is_dir():
            folder = Path(name, "bench")
            with messages().status("building"):
                chosen, own, wire = board
                facts = wired(chosen_board(chosen, own), options, wire, emulator)
                build_for_bench(target, facts, options, folder)
        record = read_record(folder)
        if engine is not None and record.engine != engine:
            raise TinykitError(
                f"{target} was built for the {record.engine} engine",
                f"tinykit bench MODEL.tflite --engine {engine}",
            )
        place = Place(None, choose_emulator(emulator, built_board(folder, record)))
        samples = random_samples(load(folder, record).graph, inputs, seed)
        with counter("running") as progress:
            return bench(folder, record, place, samples, progress)


def _show_bench(
    json: object | None, reports: "list[BenchReport]", parts: "tuple[RenderableType, ...]"
) -> None:
    """Print what was counted, as JSON if that is given, and refuse wrong answers."""
    from tinykit.core.errors import CheckFailedError
    from tinykit.host.calibration import calibration_text

    if json is not None:
        print_json(json)
    else:
        for part in parts:
            results().print(part)
            results().print()
        if reports[0].cycles_source is not None:
            say(f"cycles are {reports[0].cycles_source}; {calibration_text()}")
    for report in reports:
        if report.exact["mismatches"]:
            raise CheckFailedError(
                f"{report.exact['mismatches']} of {report.exact['inputs']} inputs differ from "
                "the oracle",
                "which layer: tinykit verify --layers; please report it with the model",
            )


def ops_command(json: Json = False) -> None:
    """List the operators that compile, with their limits."""
    from tinykit.codegen.ops.table import KINDS
    from tinykit.host.show import table

    if json:
        print_json({"operators": [{"op": k, "limits": v.limits} for k, v in KINDS.items()]})
        return
    made = table("operator")
    made.add_column("limits")
    for name, kind in KINDS.items():
        made.add_row(name, kind.limits)
    results().print(made)


def _wait(running: object) -> None:
    """Wait for a signal; SIGTERM ends like Ctrl-C, so that no emulator is left behind."""
    from tinykit.host.emulator import Emulator

    assert isinstance(running, Emulator)

    def stop(_signal: int, _frame: object) -> None:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)
    while True:
        signal.sigtimedwait([], 1.0)
        running.check()


def _plain(record: object) -> dict[str, object]:
    from tinykit.host.console import plain

    made = plain(record)
    assert isinstance(made, dict)
    return made
