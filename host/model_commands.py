"""The commands that need TensorFlow: train, quantize, and the demo of the whole pipeline."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from tinykit.host.console import command, messages, print_json, results, say, stages

Json = Annotated[bool, typer.Option("--json", help="Print one JSON object on stdout.")]
Force = Annotated[bool, typer.Option("--force", help="Replace what is there.")]
Seed = Annotated[int, typer.Option(help="Of weights, samples and their order.")]
Keras = Annotated[Path, typer.Argument(help="A Keras 3 model, .keras.")]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]
Data = Annotated[Path, typer.Option(help="An .npz file with x and y.")]
Test = Annotated[
    Path | None, typer.Option(help="An .npz to score on; else a part of --data is held out.")
]
Custom = Annotated[
    Path | None, typer.Option(help="A Python file that registers the model's own classes.")
]


class Activations(StrEnum):
    """What activations are quantized to; weights are int8."""

    INT8 = "int8"
    INT16 = "int16"


def demo_command(
    task: Annotated[str, typer.Argument(help="life, digits or sine")] = "life",
    board: Annotated[str, typer.Option("--board", "-b")] = "nano33",
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The folder; build/demo-TASK if none.")
    ] = None,
    seed: Seed = 0,
    force: Force = False,
    json: Json = False,
) -> None:
    """Show the whole pipeline: train, prune, quantize, build, and verify in the emulator."""
    from tinykit.host.demo import require_exact, run_demo, show_demo

    folder = output if output is not None else Path("build") / f"demo-{task}"
    with stages() as progress:
        report = run_demo(task, board, folder, seed, force, progress)
    if json:
        print_json(report)
    else:
        results().print(show_demo(report))
    require_exact(report)


def train_command(
    task: Annotated[
        str, typer.Argument(help="life, digits, sine or another of ours, or a Python file.")
    ],
    output: Output,
    seed: Seed = 0,
    epochs: Annotated[
        int | None,
        typer.Option(min=0, help="Passes over the data, if not the task's own; 0 trains nothing."),
    ] = None,
    early: Annotated[
        int,
        typer.Option(min=0, help="Keep the weights of after so many epochs, for prune --early."),
    ] = 0,
    early_bird: Annotated[
        bool,
        typer.Option("--early-bird", help="Stop when the weights that pruning keeps have settled."),
    ] = False,
    force: Force = False,
    json: Json = False,
) -> None:
    """Train a network; writes its data beside it, for prune and quantize.

    A Python file defines build_model() and load_data().
    """
    from tinykit.core.files import refuse_overwrite
    from tinykit.host.networks import data_paths, early_path, train
    from tinykit.host.show import table
    from tinykit.host.show_cost import add_cost, assumption_of

    paths = data_paths(output)
    for path in (output, *paths, *([early_path(output)] if early else [])):
        refuse_overwrite(path, force)
    with stages() as progress:
        report = train(task, output, seed, epochs, early, early_bird, progress)
    if json:
        print_json(
            {"model": output, "train_data": paths[0], "test_data": paths[1], **_plain(report)}
        )
        return
    made = table("trained", "")
    made.add_row("weights and biases", str(report.weights))
    made.add_row("epochs", str(report.epochs))
    made.add_row(f"{report.validation.metric.value}, validation", str(report.validation))
    made.add_row(f"{report.test.metric.value}, test", str(report.test))
    add_cost(made, report.cost, "training")
    results().print(made)
    say(assumption_of(report.cost))
    say(f"wrote {output}, {paths[0]}, {paths[1]}")
    step = command("prune", output, "--data", paths[0], "--test", paths[1], "-o", "pruned.keras")
    say(f"next: {step}")


def quantize_command(
    model: Keras,
    data: Data,
    output: Output,
    test: Test = None,
    custom: Custom = None,
    activations: Annotated[
        Activations, typer.Option(help="int16 is more precise, and takes twice the RAM.")
    ] = Activations.INT8,
    force: Force = False,
    json: Json = False,
) -> None:
    """Convert a network to a full-integer .tflite at batch 1, and score it in TFLM."""
    from tinykit.core.files import refuse_overwrite, refuse_suffix
    from tinykit.host.networks import quantize
    from tinykit.host.show import quantization

    refuse_suffix(output, ".tflite")
    refuse_overwrite(output, force)
    with messages().status("converting"):
        report = quantize(model, data, test, custom, activations.value, output)
    if json:
        print_json({"model": output, **_plain(report)})
        return
    results().print(quantization(report))
    say(f"wrote {output}; next: {command('build', output, '--board', 'nano33')}")


def _plain(report: object) -> dict[str, object]:
    from tinykit.host.console import plain

    made = plain(report)
    assert isinstance(made, dict)
    return made
