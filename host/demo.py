"""The whole pipeline on a built-in task, from training to a verified image of a board."""

import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.console import Group, RenderableType

from tinykit.core.board import Board, find_board
from tinykit.core.data import DataSet
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.core.files import atomic_folder, refuse_foreign_folder
from tinykit.core.score import Score, score_outputs
from tinykit.core.units import grouped
from tinykit.host.bench import BenchReport, bench
from tinykit.host.build import BuildOptions, build
from tinykit.host.console import plain
from tinykit.host.judge import judge
from tinykit.host.loaded import load
from tinykit.host.networks import data_paths, save_data
from tinykit.host.samples import from_dataset, random_samples
from tinykit.host.session import Place, choose_emulator, open_session
from tinykit.host.settings import wired
from tinykit.host.show import table
from tinykit.host.verify import answers, first_output
from tinykit.prune.keras3 import prune_model
from tinykit.prune.load import save_model
from tinykit.prune.quantize import convert
from tinykit.prune.recipe import recipe_for
from tinykit.train import life
from tinykit.train.fit import fit_task
from tinykit.train.predict import predict
from tinykit.train.progress import Progress
from tinykit.train.task import Task, load_task

FILE_NAME = "demo.json"
DEMOS = ("digits", "life", "sine")


@dataclass(frozen=True, slots=True)
class Part:
    """Hold the scores of one part of the test data at each stage.

    Attributes:
        name: which samples.
        samples: how many.
        scores: by stage, from the network as trained to the board's own answers.
    """

    name: str
    samples: int
    scores: dict[str, Score]


@dataclass(frozen=True, slots=True, eq=False)
class _Tested:
    """Hold the board's and the oracle's answers, float (samples, ...)."""

    oracle: str
    mismatches: int
    truth: NDArray[np.float32]
    board: NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class DemoReport:
    """Hold what the demo found.

    Attributes:
        parts: the scores.
        inputs: how many inputs the board was given.
        mismatches: how many answers differ from the oracle's in a byte.
        weights, zeros: of the kernels.
        float_bytes, tflite_bytes: the size of the network before and after conversion.
        sparse: the cost on the board.
        dense: the cost of the same network if its zeros are stored and multiplied.
        files: what was written, by what it is.
    """

    task: str
    board: str
    emulator: str
    oracle: str
    parts: tuple[Part, ...]
    inputs: int
    mismatches: int
    weights: int
    zeros: int
    float_bytes: int
    tflite_bytes: int
    sparse: BenchReport
    dense: BenchReport
    files: dict[str, str]


def run_demo(
    name: str, board_name: str, folder: Path, seed: int, force: bool, progress: Progress
) -> DemoReport:
    """Run the pipeline and leave everything that it made in a folder.

    Raises:
        TinykitError: no such task or board, or the folder holds files of somebody else.
    """
    if name not in DEMOS:
        raise TinykitError(f"no demo '{name}'", f"tinykit demo {' | '.join(DEMOS)}")
    board = wired(find_board(board_name), BuildOptions())
    choose_emulator(None, board)  # refuse a board that nothing here can run
    refuse_foreign_folder(folder, force)
    with atomic_folder(folder) as work:
        report = _pipeline(load_task(name), board, work, folder, seed, progress)
        (work / FILE_NAME).write_text(json.dumps(plain(report), indent=1) + "\n")
    return report


def _pipeline(
    task: Task, board: Board, work: Path, final: Path, seed: int, progress: Progress
) -> DemoReport:
    model, splits, _ = fit_task(task, seed, progress)
    test = splits.test
    model_path, pruned_path = work / f"{task.name}.keras", work / f"{task.name}_pruned.keras"
    save_model(model, model_path)
    for path, data in zip(data_paths(model_path), (splits.train, test), strict=True):
        save_data(path, data)
    stages = {"float, dense": predict(model, test.x)}
    pruned = prune_model(
        model, splits.train, splits.validation, recipe_for(task.settings), seed, progress
    )
    save_model(model, pruned_path)
    stages["float, pruned"] = predict(model, test.x)
    progress("quantize", 0.0, "")
    converted = convert(pruned_path, splits.train)
    tflite = work / f"{task.name}.tflite"
    tflite.write_bytes(converted.tflite)
    progress("quantize", 1.0, "")
    tested, sparse, dense = _on_board(tflite, board, work, test, progress)
    stages["int8, TFLite Micro"] = tested.truth
    stages[f"int8, {board.name} image"] = tested.board
    return DemoReport(
        task=task.name,
        board=board.name,
        emulator=board.emulators[0],
        oracle=tested.oracle,
        parts=_scores(stages, _parts(task.name, test), test),
        inputs=len(test),
        mismatches=tested.mismatches,
        weights=pruned.weights,
        zeros=pruned.zeros,
        float_bytes=4 * int(model.count_params()),
        tflite_bytes=len(converted.tflite),
        sparse=sparse,
        dense=dense,
        files={what: str(final / name) for what, name in _files(task.name, board).items()},
    )


def _on_board(
    tflite: Path, board: Board, work: Path, test: DataSet, progress: Progress
) -> tuple[_Tested, BenchReport, BenchReport]:
    """Build the image, stream the test data through it, count what it costs, sparse and dense."""
    data, place = tflite.read_bytes(), Place(None, board.emulators[0])
    folder = work / board.name
    progress("build", 0.0, "")
    record = build(data, tflite.name, board, BuildOptions(), folder)
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        dense_folder = Path(name, "dense")
        dense_options = BuildOptions(encoding="dense")
        dense_record = build(data, tflite.name, board, dense_options, dense_folder)
        progress("build", 1.0, "")
        graph = load(folder, record).graph
        samples = from_dataset(graph, test, tflite.name)
        truth = judge(data, graph, samples)

        def count(done: int, total: int) -> None:
            progress("verify", done / total, f"{done} of {total} inputs")

        results = []
        with open_session(folder, record, place) as session:
            for result in answers(session.link, samples):
                results.append(result)
                count(len(results), len(samples))
        few = random_samples(graph, 1, seed=1)
        tested = _Tested(
            truth.oracle,
            sum(result.output != truth.row(i) for i, result in enumerate(results)),
            first_output(graph, [truth.row(i) for i in range(len(samples))]),
            first_output(graph, [result.output for result in results]),
        )
        return (
            tested,
            bench(folder, record, place, few),
            bench(dense_folder, dense_record, place, few),
        )


def _parts(task: str, test: DataSet) -> dict[str, slice]:
    if task != "life":
        return {"test data": slice(None)}
    # load_data puts the exhaustive boards first
    exhaustive = len(life.exhaustive_boards())
    return {
        "all neighbourhoods": slice(None, exhaustive),
        "random boards": slice(exhaustive, len(test)),
    }


def _scores(
    stages: dict[str, NDArray[np.float32]], parts: dict[str, slice], test: DataSet
) -> tuple[Part, ...]:
    assert test.y is not None
    return tuple(
        Part(
            name,
            len(test.y[part]),
            {stage: score_outputs(values[part], test.y[part]) for stage, values in stages.items()},
        )
        for name, part in parts.items()
    )


def _files(task: str, board: Board) -> dict[str, str]:
    return {
        "trained network": f"{task}.keras",
        "pruned network": f"{task}_pruned.keras",
        "int8 model": f"{task}.tflite",
        "test data": f"{task}_test.npz",
        "firmware, generated C": f"{board.name}/",
    }


def show_demo(report: DemoReport) -> RenderableType:
    """Show the report to a person."""
    return Group(_scores_table(report), "", _cost_table(report), "", _files_table(report))


def _scores_table(report: DemoReport) -> RenderableType:
    metric = next(iter(report.parts[0].scores.values())).metric.value
    columns = [f"{part.name}: {grouped(part.samples)}" for part in report.parts]
    made = table(metric, *columns, title=f"{report.task}, from training to the board")
    for stage in report.parts[0].scores:
        made.add_row(stage, *(str(part.scores[stage]) for part in report.parts))
    judge_name = "TFLite Micro" if report.oracle == "tflm" else "the NumPy reference"
    made.add_row(
        f"mismatches against {judge_name}", f"{report.mismatches} of {grouped(report.inputs)}"
    )
    return made


def _cost_table(report: DemoReport) -> RenderableType:
    sparse, dense = report.sparse, report.dense
    percent = 100 * report.zeros / report.weights
    title = (
        f"cost on {report.board}, with {percent:.1f} % of {grouped(report.weights)} weights zero"
    )
    made = table("", "zeros cost nothing", "zeros stored", title=title)
    rows = (
        ("weights and tables in flash, bytes", sparse.flash["weights"], dense.flash["weights"]),
        ("flash, application included, bytes", sparse.flash["total"], dense.flash["total"]),
        ("RAM, application included, bytes", sparse.ram["total"], dense.ram["total"]),
        ("instructions of one inference", sparse.instructions, dense.instructions),
    )
    for name, left, right in rows:
        made.add_row(name, grouped(left), grouped(right))
    made.add_row("for comparison: float32 network, bytes", grouped(report.float_bytes), "")
    made.add_row("for comparison: .tflite file, bytes", grouped(report.tflite_bytes), "")
    return made


def _files_table(report: DemoReport) -> RenderableType:
    made = table("files")
    made.add_column("")
    for what, path in report.files.items():
        made.add_row(what, path)
    return made


def require_exact(report: DemoReport) -> None:
    """Raise CheckFailedError if the board differed from the oracle."""
    if report.mismatches:
        raise CheckFailedError(
            f"{report.mismatches} of {report.inputs} answers differ from the oracle",
            f"tinykit verify {report.files['firmware, generated C']} --layers --emulator unicorn",
        )
