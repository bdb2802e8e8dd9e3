"""The command verify: a board's answers against TensorFlow Lite Micro's."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from tinykit.host.board_commands import (
    BoardName,
    Boards,
    Data,
    EmulatorName,
    Force,
    Json,
    Port,
    Seed,
)
from tinykit.host.console import messages, print_json, results, say


def verify_command(
    folder: Annotated[Path | None, typer.Argument(help="A folder that tinykit build made.")] = None,
    port: Port = None,
    emulator: EmulatorName = None,
    data: Data = None,
    inputs: Annotated[
        int | None, typer.Option(min=1, help="How many; all of --data, or 20 random ones.")
    ] = None,
    seed: Seed = 1,
    layers: Annotated[
        bool, typer.Option("--layers", help="Compare every activation tensor, by a trace build.")
    ] = False,
    run: Annotated[
        Path | None, typer.Option("--run", help="Write the whole report as JSON: run.json.")
    ] = None,
    junit: Annotated[Path | None, typer.Option("--junit", help="Write JUnit XML.")] = None,
    csv: Annotated[
        Path | None, typer.Option("--csv", help="Write a line an input: answer, time, mismatch.")
    ] = None,
    acceptance: Annotated[
        bool, typer.Option("--acceptance", help="Try the board itself: docs/hardware.md.")
    ] = False,
    board: BoardName = None,
    boards: Boards = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The report of --acceptance, .json.")
    ] = None,
    force: Force = False,
    json: Json = False,
) -> None:
    """Stream inputs through a board and compare each answer with TensorFlow Lite Micro.

    Without --port and --emulator the only serial port is taken. Ends with status 1 on a mismatch.
    """
    if acceptance:
        _accept(folder, (board, boards), port, emulator, output, force, json)
        return
    _verify(
        _given(folder), port, emulator, (data, inputs, seed), layers, (run, junit, csv), force, json
    )


def _given(folder: Path | None) -> Path:
    from tinykit.core.errors import TinykitError

    if folder is None:
        raise TinykitError("missing argument 'folder'", "tinykit verify --help")
    return folder


def _verify(
    folder: Path,
    port: str | None,
    emulator: str | None,
    source: tuple[Path | None, int | None, int],
    layers: bool,
    files: tuple[Path | None, Path | None, Path | None],
    force: bool,
    json: bool,
) -> None:
    """Verify a build folder."""
    from tinykit.core.errors import CheckFailedError
    from tinykit.host import show_verify
    from tinykit.host.loaded import load
    from tinykit.host.record import built_board, read_record
    from tinykit.host.session import choose_place
    from tinykit.host.settings import chosen_samples
    from tinykit.host.trace import traced_build
    from tinykit.host.verify import verify, verify_layers
    from tinykit.host.verify_files import Wanted, csv_watch, write_reports

    wanted = Wanted(*files)
    wanted.refuse(force)
    record = read_record(folder)
    place = choose_place(port, emulator, built_board(folder, record))
    samples = chosen_samples(load(folder, record).graph, *source)
    with contextlib.ExitStack() as stack:
        if layers:
            folder, record = stack.enter_context(traced_build(folder, record, place))
        watches = stack.enter_context(csv_watch(wanted.csv))
        watches.append(stack.enter_context(show_verify.live()))
        compare = verify_layers if layers else verify
        report = compare(folder, record, place, samples, watches)
    write_reports(wanted, report)
    if json:
        print_json(report)
    else:
        results().print(show_verify.verification(report))
    if report.mismatches:
        assert report.first is not None
        raise CheckFailedError(
            f"{report.mismatches} of {report.inputs} inputs differ from the oracle; "
            + show_verify.mismatch_text(report.first),
            "which layer: tinykit verify --layers; please report it with the model",
        )


def _accept(
    folder: Path | None,
    board: tuple[str | None, Path | None],
    port: str | None,
    emulator: str | None,
    output: Path | None,
    force: bool,
    json: bool,
) -> None:
    """Try a board, and write what was found."""
    from tinykit.core.errors import CheckFailedError, TinykitError
    from tinykit.core.files import refuse_overwrite, refuse_suffix
    from tinykit.host import acceptance_show
    from tinykit.host.acceptance import accept
    from tinykit.host.build import BuildOptions
    from tinykit.host.find_port import own_ports, usb_ports
    from tinykit.host.session import choose_place
    from tinykit.host.settings import chosen_board, wired

    if folder is not None:
        raise TinykitError("--acceptance builds images of its own", f"leave {folder} out")
    facts = chosen_board(*board)
    if port is None or port in own_ports(facts, usb_ports()):  # else it is an adapter's
        facts = wired(facts, BuildOptions(), emulator=emulator)
    path = output if output is not None else Path(f"acceptance-{facts.name}.json")
    refuse_suffix(path, ".json")
    markdown = path.with_suffix(".md")
    for each in (path, markdown):
        refuse_overwrite(each, force)
    place = choose_place(port, emulator, facts) if port or emulator else None
    with messages().status("") as status:
        report = accept(facts, place, status.update)
    acceptance_show.write_reports(report, path, markdown)
    if json:
        print_json(report)
    else:
        results().print(acceptance_show.acceptance(report))
        say(f"wrote {path} and {markdown}; how to send them in: docs/hardware.md")
    if failed := acceptance_show.not_ok(report):
        raise CheckFailedError(
            f"{len(failed)} of {len(report.checks)} checks failed: {', '.join(failed)}",
            f"why: {markdown}",
        )
