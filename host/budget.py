"""Measure what [budget] in tinykit.toml limits, and compare it with the limits and another run."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from tinykit.core.board import find_board
from tinykit.core.budget import Budget
from tinykit.core.config import FILE_NAME, Config, load_config
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph
from tinykit.core.score import Kind, Metric, kind_of
from tinykit.host.bench import bench
from tinykit.host.build import build, read_model
from tinykit.host.loaded import load
from tinykit.host.record import BuildRecord
from tinykit.host.samples import Samples, random_samples
from tinykit.host.session import Place, choose_emulator
from tinykit.host.settings import build_options, chosen_samples, wired
from tinykit.host.verify import Counting, Progress, verify

SCHEMA = 1
AT_LEAST = frozenset({"accuracy"})  # of all others there is a most
DOCS = "docs/tinykit-toml.md"


@dataclass(frozen=True, slots=True)
class Measured:
    """Hold what a project costs and how right it is.

    Attributes:
        emulator: where it ran.
        oracle: "tflm" or "reference".
        source: "data" or "random".
        inputs: how many answers were compared.
        values: by the names of [budget]; no accuracy where there are no labels.
    """

    model: str
    digest: str
    board: str
    emulator: str
    engine: str
    toolchain: str
    optimize: str
    oracle: str
    source: str
    inputs: int
    values: dict[str, float]


@dataclass(frozen=True, slots=True)
class Figure:
    """Hold one figure beside its limit and what it was; None where there is none."""

    name: str
    value: float
    budget: float | None
    base: float | None
    over: bool


@dataclass(frozen=True, slots=True)
class BudgetReport:
    """Hold what `check-budget --json` prints, and what --base reads.

    Attributes:
        base_note: why there is nothing to compare with; empty if there is, or none was asked for.
    """

    schema: int
    model: str
    digest: str
    board: str
    emulator: str
    engine: str
    toolchain: str
    optimize: str
    oracle: str
    source: str
    inputs: int
    figures: tuple[Figure, ...]
    base_note: str

    @property
    def over(self) -> tuple[Figure, ...]:
        """Return the figures that are over their budget."""
        return tuple(figure for figure in self.figures if figure.over)


def load_project(folder: Path) -> Config:
    """Read a project's tinykit.toml, which has to name a model and a board.

    Raises:
        TinykitError: there is none, or one of the two is missing.
    """
    if not (folder / FILE_NAME).is_file():
        where = "here" if folder == Path() else f"in {folder}"
        raise TinykitError(
            f"there is no {FILE_NAME} {where}", f"write one with model and board: {DOCS}"
        )
    config = load_config(folder)
    for key, value in (("model", config.model), ("board", config.board)):
        if value is None:
            example = "model.tflite" if key == "model" else "nano33"
            raise TinykitError(f"{folder / FILE_NAME} names no {key}", f'{key} = "{example}"')
    return config


def required_budget(folder: Path, config: Config) -> Budget:
    """Return the project's limits.

    Raises:
        TinykitError: there are none.
    """
    if config.budget is None:
        raise TinykitError(
            f"{folder / FILE_NAME} has no [budget]",
            f"add one: flash, ram, instructions, accuracy, mismatches; see {DOCS}",
        )
    return config.budget


def measure(
    folder: Path,
    config: Config,
    emulator: str | None,
    inputs: int | None,
    seed: int,
    progress: Progress = lambda _done, _total: None,
) -> Measured:
    """Build a project in a temporary folder, stream its data through an emulator, and count.

    Args:
        folder: the project's.
        config: its tinykit.toml.
        emulator: its name; None takes the board's first.
        inputs: how many; None takes the whole data set, or 20 random ones.
        seed: of random inputs.
        progress: told how many have been verified.
    """
    assert config.model is not None and config.board is not None
    board = find_board(config.board, config.boards)
    place = Place(None, choose_emulator(emulator, board))
    options = build_options(
        engine=None,
        app=None,
        optimize=None,
        encoding=None,
        toolchain=None,
        keep_input=False,
        trace=False,
        folder=folder,
    )
    board = wired(board, options, emulator=emulator)
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        built = Path(name, "build")
        data = read_model(config.model)
        record = build(data, config.model.name, board, options, built)
        graph = load(built, record).graph
        samples = chosen_samples(graph, None, inputs, seed, folder)
        if config.budget is not None and config.budget.accuracy is not None:
            _require_labels(graph, samples)
        report = verify(built, record, place, samples, [Counting(progress)])
        cost = bench(built, record, place, random_samples(graph, 1, seed))
    values: dict[str, float] = {
        "flash": record.sizes.flash,
        "ram": record.sizes.ram,
        "instructions": cost.instructions,
    }
    if report.score is not None and report.score.metric is Metric.ACCURACY:
        values["accuracy"] = report.score.value
    values["mismatches"] = report.mismatches
    return _measured(record, place, samples, report.oracle, values)


def judge_budget(
    measured: Measured, budget: Budget, base: Mapping[str, float], base_note: str
) -> BudgetReport:
    """Set each figure beside its limit, and beside what it was."""
    figures = []
    for name, value in measured.values.items():
        limit = getattr(budget, name)
        over = limit is not None and (value < limit if name in AT_LEAST else value > limit)
        figures.append(Figure(name, value, limit, base.get(name), over))
    return BudgetReport(
        schema=SCHEMA,
        model=measured.model,
        digest=measured.digest,
        board=measured.board,
        emulator=measured.emulator,
        engine=measured.engine,
        toolchain=measured.toolchain,
        optimize=measured.optimize,
        oracle=measured.oracle,
        source=measured.source,
        inputs=measured.inputs,
        figures=tuple(figures),
        base_note=base_note,
    )


def base_figures(
    base: Path | None, board: str, emulator: str | None, inputs: int | None, seed: int
) -> tuple[dict[str, float], str]:
    """Return the figures to compare with, and why there are none.

    A report that does not fit is the user's mistake. A base branch that cannot be measured is
    not: it may be older than its tinykit.toml.
    """
    if base is None:
        return {}, ""
    if not base.is_dir():
        return read_base(base, board), ""
    try:
        config = load_project(base)
        assert config.board is not None
        refuse_other_board(str(base), config.board, board)
        return measure(base, config, emulator, inputs, seed).values, ""
    except TinykitError as error:
        return {}, error.message


def read_base(path: Path, board: str) -> dict[str, float]:
    """Return the figures of an earlier report by name.

    Raises:
        TinykitError: no such file, no such report, of another version or for another board.
    """
    again = f"make it again on the base branch: tinykit check-budget --json > {path}"
    try:
        report = json.loads(path.read_text(encoding="utf-8"))
        if report["schema"] != SCHEMA:
            raise TinykitError(
                f"{path} has schema {report['schema']}, this tinykit reads {SCHEMA}", again
            )
        made_for = report["board"]
        figures = {str(each["name"]): _number(each["value"]) for each in report["figures"]}
    except OSError as error:
        raise TinykitError(f"{path}: {error.strerror}", again) from None
    except (ValueError, KeyError, TypeError):
        raise TinykitError(f"{path} is no report of tinykit check-budget --json", again) from None
    refuse_other_board(str(path), made_for, board)
    return figures


def refuse_other_board(base: str, made_for: str, board: str) -> None:
    """Raise TinykitError if the figures to compare with are another board's."""
    if made_for != board:
        raise TinykitError(
            f"{base} is for {made_for}, the project is for {board}",
            "leave --base out: figures of two boards cannot be compared",
        )


def _number(value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(value)
    return value


def _require_labels(graph: Graph, samples: Samples) -> None:
    shape = (len(samples), *graph.tensors[graph.outputs[0]].shape[1:])
    if samples.y is None or kind_of(shape, samples.y) is Kind.NUMBERS:
        raise TinykitError(
            "[budget] has an accuracy, and there are no labels to count it with",
            f'data = "test.npz" in {FILE_NAME}, with x and integer labels y',
        )


def _measured(
    record: BuildRecord, place: Place, samples: Samples, oracle: str, values: dict[str, float]
) -> Measured:
    assert place.emulator is not None
    return Measured(
        model=record.model,
        digest=record.digest,
        board=record.board,
        emulator=place.emulator,
        engine=record.engine,
        toolchain=record.toolchain,
        optimize=record.optimize,
        oracle=oracle,
        source=samples.source,
        inputs=len(samples),
        values=values,
    )
