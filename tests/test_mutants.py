"""Damaged models: each compiles to exactly what TFLM says, or ends in one line and a way out."""

import os
import pickle
import random
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import mutant_child
import numpy as np
import pytest
from batch import Run, comparable, draw_cases, host_outputs
from cases import STRATEGIES
from flat import to_bytes
from graphs import graph
from models import MODELS
from mutants import Slot, damaged, slots_of

from tinykit.codegen import reference
from tinykit.codegen.compile import Compiled, compile_model
from tinykit.codegen.layer import LowerOptions
from tinykit.core import oracle
from tinykit.core.errors import CheckFailedError
from tinykit.core.graph import Graph
from tinykit.host.samples import taken_lengths

_COUNT = 2000
_SOAK = 9  # times as many again
_SHARED = ("hello_world_int8", "micro_speech_int8", "kws_int8")
_LARGE = ("ad01_int8", "resnet8_int8", "vww_int8")
_MOST_BYTES = 1 << 20  # of an arena: what the sanitized program reads and writes
_RUNS = 4
_LONGEST_LINE = 800  # a name of the file may have 512
# Refusals that docs/exactness.md tells: of values, which appear when the model runs.
_OF_VALUES = ("Rsqrt is only defined for positive values",)
# The wheel's Python reads the parts of a file, too, that neither interpreter nor compiler needs.
_OF_THE_WRAPPER = re.compile(
    r"exit status 1: (TypeError|struct\.error|AttributeError|UnicodeDecodeError|IndexError"
    r"|OverflowError|MemoryError)|buffer is smaller than requested size"
    r"|Maximum resource variable count"  # it counts their names, and no containers
)


@dataclass(frozen=True, slots=True)
class Original:
    """Hold a good file, and where its numbers are."""

    name: str
    data: bytes
    slots: tuple[Slot, ...]


@pytest.fixture(scope="module")
def originals() -> list[Original]:
    """Give three models of every strategy, and the shared ones."""
    files = [
        (kind, to_bytes(case.model))
        for kind, strategy in sorted({**STRATEGIES, "graph": graph()}.items())
        for case in draw_cases(strategy, 5)[2:]
    ]
    for name in _SHARED + _LARGE:
        path = MODELS / f"{name}.tflite"
        if path.is_file():
            files.append((name, path.read_bytes()))
    return [Original(name, data, slots_of(data)) for name, data in files]


@pytest.mark.parametrize(
    "seed", [20, *(pytest.param(21 + i, marks=pytest.mark.soak) for i in range(_SOAK))]
)
def test_damaged_files_compile_exactly_or_are_refused_in_a_line(
    seed: int, originals: list[Original], kernels: list[Path], tmp_path: Path
) -> None:
    rng = random.Random(seed)
    files = [_damaged(rng, originals) for _ in range(_COUNT)]
    happened = _compiled_elsewhere(files, tmp_path)
    for answer in happened:
        assert answer is None or len(answer) == 2, answer
        message, hint = answer or ("fine", "go on")
        assert hint and "\n" not in message + hint and len(message) < _LONGEST_LINE, answer
    accepted = [data for data, answer in zip(files, happened, strict=True) if answer is None]
    assert _COUNT / 20 < len(accepted) < _COUNT * 3 / 4
    models = _different(accepted)
    assert len(models) > _COUNT / 50
    wrong = _judged(models, kernels, tmp_path)
    assert not wrong, f"{len(wrong)} of {len(models)} differ\n" + "\n".join(wrong[:5])


def _damaged(rng: random.Random, originals: list[Original]) -> bytes:
    original = rng.choice(originals)
    if original.name in _LARGE and rng.random() < 0.9:
        original = originals[0]
    return damaged(rng, original.data, original.slots)


def _compiled_elsewhere(files: list[bytes], folder: Path) -> list[tuple[str, ...] | None]:
    empty = folder / "empty"
    empty.mkdir()
    done = subprocess.run(
        [sys.executable, "-W", "error", Path(mutant_child.__file__)],
        input=pickle.dumps(files),
        cwd=empty,
        env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},  # each reserves memory for itself
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    answers: list[tuple[str, ...] | None] = pickle.loads(done.stdout)
    return answers


def _different(files: list[bytes]) -> list[tuple[bytes, Compiled]]:
    """Compile the files, and leave out those of one graph."""
    found: dict[str, tuple[bytes, Compiled]] = {}
    for data in files:
        model = compile_model(data, f"m{len(found):04d}.tflite", "0.0.0", LowerOptions())
        if model.plan.arena_bytes <= _MOST_BYTES:
            found.setdefault(model.graph.digest(), (data, model))
    return list(found.values())


def _judged(models: list[tuple[bytes, Compiled]], kernels: list[Path], folder: Path) -> list[str]:
    """Return what is wrong: C differs from the reference, that from TFLM, or TFLM refuses."""
    rng = np.random.default_rng(1)
    inputs = [_inputs(model.graph, rng) for _, model in models]
    answers: list[oracle.Answers | CheckFailedError] = [CheckFailedError("", "")] * len(models)
    if oracle.available():
        jobs = [oracle.Job(data, x) for (data, _), x in zip(models, inputs, strict=True)]
        answers = oracle.run_many(jobs)
    runs = [Run(model, x) for (_, model), x in zip(models, inputs, strict=True)]
    on_host = host_outputs(runs, folder, kernels, units=len(runs))
    wrong = []
    for run, ours, answer in zip(runs, on_host, answers, strict=True):
        with np.errstate(all="ignore"):  # scales of 1e38
            expected = reference.run_batch(run.model.graph, run.inputs)
        layers = {operator.kind for operator in run.model.graph.operators}
        if not _same(ours, expected):
            wrong.append(f"{layers}: C differs from the reference")
        if isinstance(answer, CheckFailedError):
            if not _excused(answer.message):
                wrong.append(f"{layers}: {answer.message}")
        elif not _same(expected, answer.outputs):
            wrong.append(f"{layers}: the reference differs from TFLM")
    return wrong


def _excused(message: str) -> bool:
    crashed = "it died with signal" in message  # the reference judges
    return (
        not message
        or crashed
        or any(words in message for words in _OF_VALUES)
        or bool(_OF_THE_WRAPPER.search(message))
    )


def _same(left: tuple[np.ndarray, ...], right: tuple[np.ndarray, ...]) -> bool:
    pairs = zip(left, right, strict=True)
    return all(np.array_equal(comparable(a), comparable(b)) for a, b in pairs)


def _inputs(graph: Graph, rng: np.random.Generator) -> list[np.ndarray]:
    """Make inputs; integers are positions that a GATHER has, or divisors, which are not zero."""
    divisors = {op.inputs[1] for op in graph.operators if op.kind == "DIV"}
    least = {
        operator.inputs[1]: min(taken_lengths(graph, operator))
        for operator in graph.operators
        if taken_lengths(graph, operator)
    }
    found: list[np.ndarray] = []
    for number in graph.inputs:
        tensor = graph.tensors[number]
        shape = (_RUNS, *tensor.shape)
        if tensor.dtype == "float32":
            found.append(rng.normal(size=shape).astype(np.float32))
        elif tensor.dtype == "int8":
            values = rng.integers(-128, 128, shape)
            zero = values == tensor.zero_point
            spared = np.where(zero, values ^ 1, values) if number in divisors else values
            found.append(spared.astype(np.int8))
        else:
            first = int(number in divisors)
            most = least.get(number, 2)
            found.append(rng.integers(first, first + most, shape).astype(tensor.dtype))
    return found
