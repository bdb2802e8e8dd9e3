"""Run many models on the reference, as host-compiled C and on TFLM, in one go, and compare."""

import fcntl
import os
import subprocess
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from cases import Case
from draft import Array, lively
from flat import to_bytes
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.strategies import SearchStrategy
from models import KERNELS, ROOT, SANITIZERS, WARNINGS
from numpy.typing import NDArray

from tinykit.codegen import reference
from tinykit.codegen.compile import Compiled, compile_model
from tinykit.core import oracle
from tinykit.core.errors import CheckFailedError

_C = ROOT / "tests" / "c"
_UNITS = 2  # compiled at the same time
_COMPILER = os.environ.get("CC", "gcc")
_FLAGS = [*WARNINGS, *SANITIZERS, "-ffp-contract=off"]


@dataclass(frozen=True, slots=True, eq=False)
class Run:
    """Hold a model, what it is fed, and whether it must leave that as it is."""

    model: Compiled
    inputs: Sequence[Array]
    keep_input: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Hold a case and what is wrong with it; empty if all three agree."""

    case: Case
    wrong: str
    counts: bool


def draw_cases(strategy: SearchStrategy[Case], count: int) -> list[Case]:
    """Draw the same cases in every run."""
    cases: list[Case] = []

    @settings(
        max_examples=count,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def collect(case: Case) -> None:
        cases.append(case)

    collect()
    return cases


def judge(cases: Sequence[Case], folder: Path, kernels: Sequence[Path]) -> list[Verdict]:
    """Compare reference, C and TFLM byte for byte."""
    files = [to_bytes(case.model, _name(i) + "_") for i, case in enumerate(cases)]
    models = [
        compile_model(data, f"{_name(i)}.tflite", "0.0.0", case.options, case.keep_input)
        for i, (data, case) in enumerate(zip(files, cases, strict=True))
    ]
    jobs = [oracle.Job(data, case.inputs) for data, case in zip(files, cases, strict=True)]
    with ThreadPoolExecutor(2) as pool:
        asked = pool.submit(oracle.run_many, jobs)
        runs = [
            Run(model, case.inputs, case.keep_input)
            for model, case in zip(models, cases, strict=True)
        ]
        on_host = host_outputs(runs, folder, kernels)
        expected = [
            reference.run_batch(model.graph, case.inputs)
            for model, case in zip(models, cases, strict=True)
        ]
        answers = asked.result()
    return [
        _verdict(case, *each)
        for case, each in zip(cases, zip(expected, on_host, answers, strict=True), strict=True)
    ]


def host_outputs(
    runs: Sequence[Run], folder: Path, kernels: Sequence[Path], units: int = _UNITS
) -> list[tuple[Array, ...]]:
    """Compile all models into one program with sanitizers, and run it.

    Args:
        runs: models of different names.
        folder: an empty one.
        kernels: from kernel_objects.
        units: C files that the models are spread over; those in one have no layers of one name.
    """
    program = _build(runs, folder, kernels, units)
    rng = np.random.default_rng(1)
    arenas = [_arenas(run, rng) for run in runs]
    stdin = b"".join(arena.tobytes() for arena in arenas)
    done = subprocess.run([program], input=stdin, capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    found, start = [], 0
    for run, arena in zip(runs, arenas, strict=True):
        raw = np.frombuffer(done.stdout, np.int8, arena.size, start).reshape(arena.shape)
        found.append(tuple(_tensor(run.model, n, raw) for n in run.model.graph.outputs))
        if run.keep_input:
            for number, values in zip(run.model.graph.inputs, run.inputs, strict=True):
                left = _tensor(run.model, number, raw)
                np.testing.assert_array_equal(left.ravel(), values.ravel())
        start += arena.size
    return found


def equal_reference(runs: Sequence[Run], found: Sequence[tuple[Array, ...]]) -> None:
    """Assert that models of one output have answered as the reference does."""
    for run, (ours,) in zip(runs, found, strict=True):
        (right,) = reference.run_batch(run.model.graph, run.inputs)
        assert np.array_equal(ours, right), run.model.graph.operators[0]


def _name(number: int) -> str:
    return f"c{number:04d}"


def _arenas(run: Run, rng: np.random.Generator) -> Array:
    """Fill an arena a sample: the inputs in their places, rubbish everywhere else."""
    plan, samples = run.model.plan, len(run.inputs[0])
    arena = rng.integers(-128, 128, (samples, plan.arena_bytes)).astype(np.int8)
    for number, values in zip(run.model.graph.inputs, run.inputs, strict=True):
        raw = np.ascontiguousarray(values.reshape(samples, -1)).view(np.int8)
        offset = plan.offsets[number]
        arena[:, offset : offset + raw.shape[1]] = raw
    return arena


def _tensor(model: Compiled, number: int, arena: Array) -> Array:
    tensor = model.graph.tensors[number]
    offset = model.plan.offsets[number]
    raw = np.ascontiguousarray(arena[:, offset : offset + tensor.bytes])
    return raw.view(tensor.dtype).reshape(len(arena), *tensor.shape)


def _build(runs: Sequence[Run], folder: Path, kernels: Sequence[Path], units: int) -> Path:
    models = [run.model for run in runs]
    for model in models:
        for name in (f"{model.name}.c", f"{model.name}.h"):
            (folder / name).write_text(model.files[name])
    rows = [
        f"    {{{m.name}_invoke, {_reset(m)}, {m.name}_arena, {m.plan.arena_bytes}, "
        f"{len(run.inputs[0])}}},"
        for m, run in zip(models, runs, strict=True)
    ]
    headers = [f'#include "{m.name}.h"' for m in models]
    table = ["const batch_case batch_cases[] = {", *rows, "};"]
    count = f"const size_t batch_count = {len(models)};"
    sources = {"table.c": ['#include "batch.h"', *headers, *table, count]}
    for unit in range(units):
        sources[f"unit{unit}.c"] = [f'#include "{m.name}.c"' for m in models[unit::units]]
    for name, lines in sources.items():
        (folder / name).write_text("\n".join(lines) + "\n")
    with ThreadPoolExecutor(_UNITS) as pool:
        objects = list(pool.map(_tables_object, [folder / name for name in sorted(sources)]))
    program = folder / "batch"
    subprocess.run([_COMPILER, *SANITIZERS, *objects, *kernels, "-o", program], check=True)
    return program


def _reset(model: Compiled) -> str:
    return f"{model.name}_reset_state" if model.graph.states else "NULL"


def kernel_objects(factory: pytest.TempPathFactory) -> list[Path]:
    """Compile the kernels and the main program, once for all tests and all workers."""
    base = factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder, work = shared / "kernels", shared / "kernels.new"
    with (shared / "kernels.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            work.mkdir()
            sources = [*KERNELS.glob("*.c"), _C / "batch.c"]
            with ThreadPoolExecutor(_UNITS) as pool:
                list(pool.map(lambda source: _object(source, work, "-O1"), sources))
            work.rename(folder)
    return sorted(folder.glob("*.o"))


def _tables_object(source: Path) -> Path:
    return _object(source, source.parent, "-O0")


def _object(source: Path, folder: Path, optimize: str) -> Path:
    target = folder / f"{source.stem}.o"
    flags = [*_FLAGS, f"-I{folder}", f"-I{KERNELS}", f"-I{_C}", optimize]
    subprocess.run([_COMPILER, *flags, "-c", source, "-o", target], check=True)
    return target


def _verdict(
    case: Case,
    expected: tuple[Array, ...],
    on_host: tuple[Array, ...],
    answers: oracle.Answers | CheckFailedError,
) -> Verdict:
    if isinstance(answers, CheckFailedError):
        return Verdict(case, answers.message, counts=False)
    truth = answers.outputs
    wrong = [*_differences("reference", expected, truth), *_differences("C", on_host, truth)]
    return Verdict(case, "; ".join(wrong), counts=all(lively(values) for values in truth))


def _differences(who: str, found: tuple[Array, ...], truth: tuple[Array, ...]) -> list[str]:
    lines = []
    for i, (ours, theirs) in enumerate(zip(found, truth, strict=True)):
        a, b = ours.ravel(), theirs.ravel()
        different = np.flatnonzero(comparable(a) != comparable(b))
        if a.dtype != b.dtype or a.size != b.size or different.size:
            at = int(different[0]) // a.itemsize if different.size else 0
            first = f"first {a[at]} not {b[at]} at {at}"
            lines.append(f"{who}: output {i}: {different.size} bytes differ, {first}")
    return lines


def comparable(values: Array) -> NDArray[np.uint8]:
    """Return the bytes of an array, of NaN always the same: docs/exactness.md."""
    if values.dtype == np.float32:
        values = np.where(np.isnan(values), np.float32(np.nan), values)
    return values.ravel().view(np.uint8)
