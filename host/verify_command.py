"""The command verify: a board's answers against TensorFlow Lite Micro's."""

import contextlib
from pathlib import Path
from typing import Annotated

import typer

from tinykit.host.board_commands import Data, EmulatorName, Folder, Force, Json, Port, Seed
from tinykit.host.console import print_json, results


def verify_command(
    folder: Folder,
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
    force: Force = False,
    json: Json = False,
) -> None:
    """Stream inputs through a board and compare each answer with TensorFlow Lite Micro.

    Without --port and --emulator the only serial port is taken. Ends with status 1 on a mismatch.
    """
    from tinykit.core.errors import CheckFailedError
    from tinykit.host import show_verify
    from tinykit.host.loaded import load
    from tinykit.host.record import built_board, read_record
    from tinykit.host.session import choose_place
    from tinykit.host.settings import chosen_samples
    from tinykit.host.trace import traced_build
    from tinykit.host.verify import verify, verify_layers
    from tinykit.host.verify_files import Wanted, csv_watch, write_reports

    wanted = Wanted(run, junit, csv)
    wanted.refuse(force)
    record = read_record(folder)
    place = choose_place(port, emulator, built_board(folder, record))
    samples = chosen_samples(load(folder, record).graph, data, inputs, seed)
    with contextlib.ExitStack() as stack:
        if layers:
            folder, record = stack.enter_context(traced_build(folder, record, place))
        watches = stack.enter_context(csv_watch(csv))
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
