"""An operator's word on its order holds: working over its input as far as it says, it agrees."""

import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from batch import Run, comparable, draw_cases, host_outputs
from cases import Case
from draft import Array
from flat import to_bytes
from graphs import ALL
from overlaid import overlaid

from tinykit.codegen import reference
from tinykit.codegen.compile import Compiled, compile_model

_SOAK = bool(os.environ.get("TINYKIT_SOAK"))
_USUAL, _MANY = 3, 40  # models of an operator
_CHUNK = 200  # plans in one program
_KINDS = sorted({*ALL} - {"graph"})
_IN_ASSEMBLY = ("ADD", "CONV_2D", "DEPTHWISE_CONV_2D", "FULLY_CONNECTED", "SUB")
_LEAST_KERNELS = 75  # that work over their input in CI


@dataclass(frozen=True, slots=True, eq=False)
class Way:
    """Hold one plan made by hand: the kernel that works over its input, and what to run."""

    kernel: str
    case: Case
    run: Run


def ways(kinds: Sequence[str], dsp: bool | None = None) -> Iterator[Way]:
    """Draw models, and lay each of their layers over its input in every way that it allows."""
    count, number = _MANY if _SOAK else _USUAL, 0
    for kind in kinds:
        for case in draw_cases(ALL[kind], 2 * count)[count:]:
            for way in range(len(list(_overlaid(case, 0, dsp)))):
                name = number % _CHUNK
                kernel, model = list(_overlaid(case, name, dsp))[way]
                yield Way(kernel, case, Run(model, case.inputs))
                number += 1


def _overlaid(case: Case, number: int, dsp: bool | None) -> Iterator[tuple[str, Compiled]]:
    options = case.options if dsp is None else replace(case.options, dsp=dsp)
    name = f"c{number:04d}"
    data = to_bytes(case.model, f"{name}_")
    return overlaid(compile_model(data, f"{name}.tflite", "0.0.0", options))


def judge(found: Sequence[Way], run: Callable[[list[Run]], list[tuple[Array, ...]]]) -> set[str]:
    """Compare all with the reference; return the kernels that were seen."""
    for start in range(0, len(found), _CHUNK):
        chunk = found[start : start + _CHUNK]
        for way, ours in zip(chunk, run([each.run for each in chunk]), strict=True):
            truth = reference.run_batch(way.run.model.graph, way.case.inputs)
            for mine, theirs in zip(ours, truth, strict=True):
                assert (comparable(mine) == comparable(theirs)).all(), (way.kernel, way.case)
    return {way.kernel for way in found}


def test_kernels_agree_over_their_input(
    kernels: list[Path], tmp_path_factory: pytest.TempPathFactory
) -> None:
    def run(runs: list[Run]) -> list[tuple[Array, ...]]:
        return host_outputs(runs, tmp_path_factory.mktemp("over"), kernels)

    seen = judge(list(ways(_KINDS)), run)
    assert len(seen) >= _LEAST_KERNELS, sorted(seen)


def test_kernels_in_assembly_agree_over_their_input(
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    pytest.importorskip("unicorn")
    from embedded import emulated_outputs

    def run(runs: list[Run]) -> list[tuple[Array, ...]]:
        folder = tmp_path_factory.mktemp("image")
        return emulated_outputs(runs, "cortex_m4", "balanced", folder)

    kinds = [kind for kind in _KINDS if kind.split()[-1] in _IN_ASSEMBLY]
    judge(list(ways(kinds, dsp=True)), run)
