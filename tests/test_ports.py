"""Model inputs and outputs of every type, from the converter and written directly."""

import os
import subprocess
import sys
from pathlib import Path

import flat
import numpy as np
import port_child
import pytest
from commands import BOARD, Tinykit
from flat import FlatModel, FlatOperator, FlatTensor, Options, to_bytes

from tinykit.core import oracle
from tinykit.host.build import BuildOptions, build
from tinykit.host.record import read_record

pytest.importorskip("unicorn")
pytestmark = pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")


def verified(tinykit: Tinykit, folder: Path, *more: str | Path) -> None:
    ended = tinykit("verify", folder, "--emulator", "unicorn", *more, "--json")
    assert (ended.status, ended.json["mismatches"], ended.json["oracle"]) == (0, 0, "tflm")


@pytest.mark.parametrize("kind", ["uint8", "float32"])
def test_a_keras_model_of_other_ports_answers_as_tflm(
    tinykit: Tinykit, kind: str, tmp_path: Path
) -> None:
    pytest.importorskip("tensorflow")
    model, folder = tmp_path / "m.tflite", tmp_path / "build"
    command = [sys.executable, "-P", Path(port_child.__file__), kind, model]
    subprocess.run(command, check=True, capture_output=True, env=dict(os.environ))
    build(model.read_bytes(), "m.tflite", BOARD, BuildOptions(), folder)
    record = read_record(folder)
    assert [port.dtype for port in (*record.inputs, *record.outputs)] == [kind] * 2
    verified(tinykit, folder, "--inputs", "12")
    verified(tinykit, folder, "--layers", "--inputs", "3")
    rng = np.random.default_rng(2)
    x = rng.normal(size=(8, *port_child.SHAPE)).astype(np.float32)
    np.savez(tmp_path / "x.npz", x=x, y=rng.integers(0, 3, 8))
    verified(tinykit, folder, "--data", tmp_path / "x.npz")
    if kind == "uint8":
        np.savez(tmp_path / "x8.npz", x=rng.integers(0, 256, x.shape).astype(np.uint8))
        verified(tinykit, folder, "--data", tmp_path / "x8.npz")


def mixed() -> bytes:
    """Make a model that looks an int32 up in a table, where a bool says so."""
    table = np.arange(-60, 60).astype(np.int8).reshape(12, 10)
    tensors = (
        FlatTensor("words", (1, 3), "int32"),
        FlatTensor("wanted", (1, 3, 1), "bool"),
        FlatTensor("table", (12, 10), "int8", (0.5,), (0,), data=table),
        FlatTensor("found", (1, 3, 10), "int8", (0.5,), (0,)),
        FlatTensor("other", (1,), "int8", (0.5,), (0,), data=np.array([7], np.int8)),
        FlatTensor("chosen", (1, 3, 10), "int8", (0.5,), (0,)),
        FlatTensor("number", (1, 3, 10), "int32"),
        FlatTensor("unwanted", (1, 3, 1), "bool"),
    )
    operators = (
        FlatOperator("GATHER", (2, 0), (3,), flat.Options("GatherOptions", (("Axis", 0),))),
        FlatOperator("SELECT_V2", (1, 3, 4), (5,), Options("SelectV2Options")),
        FlatOperator("CAST", (5,), (6,), Options("CastOptions")),
        FlatOperator("LOGICAL_NOT", (1,), (7,), Options("LogicalNotOptions")),
    )
    return to_bytes(FlatModel(tensors, operators, (0, 1), (5, 6, 7)))


def test_numbers_and_truths_are_ports_too(tinykit: Tinykit, tmp_path: Path) -> None:
    folder = tmp_path / "build"
    build(mixed(), "mixed.tflite", BOARD, BuildOptions(), folder)
    record = read_record(folder)
    dtypes = [port.dtype for port in (*record.inputs, *record.outputs)]
    assert dtypes == ["int32", "bool", "int8", "int32", "bool"]
    verified(tinykit, folder, "--inputs", "20")
    verified(tinykit, folder, "--layers", "--inputs", "3")
    ended = tinykit("bench", folder, "--emulator", "unicorn", "--inputs", "2", "--json")
    assert (ended.status, ended.json["exact"]["mismatches"]) == (0, 0)
