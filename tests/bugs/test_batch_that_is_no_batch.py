"""A model input whose first dimension is not 1 got random inputs of a part of its shape."""

from pathlib import Path

import pytest
from commands import BOARD, Tinykit
from flat import FlatModel, FlatOperator, FlatTensor, to_bytes

from tinykit.core import oracle
from tinykit.host.build import BuildOptions, build


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_a_sequence_in_the_first_dimension_is_verified(tinykit: Tinykit, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    source = FlatTensor("a", (5, 1, 8), "int8", (0.5,), (1,))
    target = FlatTensor("b", (5, 1, 8), "int8", (0.75,), (-3,))
    model = FlatModel((source, target), (FlatOperator("QUANTIZE", (0,), (1,)),), (0,), (1,))
    folder = tmp_path / "build"
    build(to_bytes(model), "sequence.tflite", BOARD, BuildOptions(), folder)
    for more in ((), ("--layers",)):
        ended = tinykit("verify", folder, "--emulator", "unicorn", "--inputs", "3", *more, "--json")
        assert (ended.status, ended.json["mismatches"], ended.json["oracle"]) == (0, 0, "tflm")
