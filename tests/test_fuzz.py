"""The firmware never trusts its input: parsers and commands under libFuzzer and sanitizers."""

from pathlib import Path

import pytest
from fuzzing import CORPUS, HARNESSES, build_harness, run_harness

RUNS = 40_000
SOAK_RUNS = 15_000_000  # of each


@pytest.mark.parametrize("name", HARNESSES)
def test_fuzzed_input_does_no_harm(name: str, tmp_path: Path) -> None:
    harness = HARNESSES[name]
    program = build_harness(harness, tmp_path)

    assert run_harness(program, harness, RUNS) >= RUNS


@pytest.mark.soak
@pytest.mark.parametrize("name", HARNESSES)
def test_seventy_five_million_fuzzed_inputs_do_no_harm(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    harness = HARNESSES[name]
    program = build_harness(harness, tmp_path)

    executed = run_harness(program, harness, SOAK_RUNS)

    with capsys.disabled():
        print(f"\n{name}: {executed} executions")
    assert executed >= SOAK_RUNS


def test_each_corpus_belongs_to_a_harness_and_has_something() -> None:
    folders = {path.name for path in CORPUS.iterdir()}
    assert folders == {harness.name for harness in HARNESSES.values()}
    assert all(any((CORPUS / name).iterdir()) for name in folders)
