"""A model that only sees its input with another shape was refused; it compiles to no layers."""

from pathlib import Path

import pytest
from commands import Tinykit
from flat import FlatModel, FlatOperator, FlatTensor, Options, to_bytes

pytest.importorskip("unicorn")


def test_a_model_without_layers_runs_and_is_benched(tinykit: Tinykit, tmp_path: Path) -> None:
    tensors = (
        FlatTensor("image", (1, 3, 4), "int8", (0.5,), (0,)),
        FlatTensor("row", (1, 12), "int8", (0.5,), (0,)),
    )
    view = FlatOperator("RESHAPE", (0,), (1,), Options("ReshapeOptions"))
    path, folder = tmp_path / "view.tflite", tmp_path / "build"
    path.write_bytes(to_bytes(FlatModel(tensors, (view,), (0,), (1,))))
    assert tinykit("build", path, "--board", "nano33", "-o", folder).status == 0
    ended = tinykit("verify", folder, "--emulator", "unicorn", "--json")
    assert (ended.status, ended.json["mismatches"]) == (0, 0)
    ended = tinykit("bench", folder, "--inputs", "2", "--json")
    assert (ended.status, ended.json["layers"], ended.json["ram"]["arena"]) == (0, [], 12)
