"""The commands that talk to a board: predict, stream, monitor."""

import contextlib
import json as json_text
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from tinykit.host.board_commands import EmulatorName, Folder, Json, Port
from tinykit.host.console import print_json, say

if TYPE_CHECKING:  # they take a moment to import
    from tinykit.host.board import Prediction


def predict_command(
    folder: Folder,
    port: Port = None,
    emulator: EmulatorName = None,
    inputs: Annotated[
        str,
        typer.Option("--input", "-i", help="A .npy file; - (default): one on stdin, or numbers."),
    ] = "-",
    json: Json = False,
) -> None:
    """Ask a board for the answer to one input, or to each of several.

    Floats are real numbers and are quantized for the model; its own type is passed on. Prints the
    outputs as real numbers, one line an input.
    """
    from tinykit.host.board import Board
    from tinykit.host.rows import read_input
    from tinykit.host.values import samples_of

    name = "stdin" if inputs == "-" else inputs
    array = read_input(inputs)
    with Board(folder, port, emulator) as board:
        samples = samples_of(array, board.record.inputs[0], name)
        found = [board.predict(sample) for sample in samples]
    if json:
        print_json({"predictions": [_record(prediction) for prediction in found]})
        return
    for prediction in found:
        print(_line(prediction))


def stream_command(
    folder: Folder,
    port: Port = None,
    emulator: EmulatorName = None,
    generator: Annotated[
        Path | None, typer.Option(help="A Python file whose function rows() yields inputs.")
    ] = None,
    json: Json = False,
) -> None:
    """Answer inputs as they come, until there are no more: lines of numbers from stdin.

    Prints one line an input, at once: the outputs as real numbers; with --json an object a line.
    """
    from tinykit.host.board import Board
    from tinykit.host.rows import generated_rows, text_rows

    rows = text_rows(sys.stdin, "stdin") if generator is None else generated_rows(generator)
    began = time.monotonic()
    count = 0
    with Board(folder, port, emulator) as board:
        for prediction in board.stream(rows):
            record = {"row": count, **_record(prediction)}
            print(json_text.dumps(record) if json else _line(prediction), flush=True)
            count += 1
        traffic = board.traffic
    seconds = time.monotonic() - began
    say(
        f"{count} answers in {seconds:.1f} s; {traffic.repeats} of {traffic.requests} frames were "
        "repeated"
    )


def monitor_command(
    port: Port = None,
    baud: Annotated[int, typer.Option(min=50, help="The port's baud rate.")] = 115200,
    hello: Annotated[bool, typer.Option("--hello", help="Ask first who is there.")] = False,
    seconds: Annotated[
        float | None, typer.Option(min=0.0, help="How long; until Ctrl-C if not given.")
    ] = None,
    json: Json = False,
) -> None:
    """Show what comes from a port: frames of the link by name, anything else as text.

    It sends nothing by itself, so it may watch any firmware. With --json one object a line.
    """
    from tinykit.host.find_port import any_port
    from tinykit.host.line import Line
    from tinykit.host.monitor import listen

    line = Line(port if port is not None else any_port(), baud)
    say(f"listening to {line.port} at {baud} baud; Ctrl-C ends it")
    with contextlib.closing(line):
        for heard in listen(line, seconds, hello):
            if json:
                record = {"at_s": round(heard.at_s, 3), "kind": heard.kind, "text": heard.text}
                print(json_text.dumps({**record, "data": heard.data.hex()}), flush=True)
            else:
                print(f"{heard.at_s:9.3f}  {heard.kind:13}  {heard.text}", flush=True)


def _record(prediction: "Prediction") -> dict[str, object]:
    return {
        "outputs": [array.tolist() for array in prediction.outputs],
        "label": prediction.label,
        "time_us": prediction.time_us,
    }


def _line(prediction: "Prediction") -> str:
    return " ".join(f"{value:g}" for array in prediction.outputs for value in array.ravel())
