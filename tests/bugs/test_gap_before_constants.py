"""Before int64 biases, the linker left 4 bytes in no section, which no emulator loaded."""

from pathlib import Path

import numpy as np
import pytest
from commands import BOARD, TOOLCHAINS
from flat import FlatModel, FlatOperator, FlatTensor, dense_options, to_bytes

from tinykit.host.build import BuildOptions, build
from tinykit.host.image import read_image


def model() -> bytes:
    weights, bias = np.arange(8).astype(np.int8).reshape(2, 4), np.array([5, -5], np.int64)
    tensors = (
        FlatTensor("x", (1, 4), "int16", (0.01,), (0,)),
        FlatTensor("y", (1, 2), "int16", (0.02,), (0,)),
        FlatTensor("w", (2, 4), "int8", (0.1,), (0,), 0, weights),
        FlatTensor("b", (2,), "int64", (0.001,), (0,), 0, bias),
    )
    operator = FlatOperator("FULLY_CONNECTED", (0, 2, 3), (1,), dense_options())
    return to_bytes(FlatModel(tensors, (operator,), (0,), (1,)))


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
def test_constants_follow_the_code(toolchain: str, tmp_path: Path) -> None:
    for trace in (False, True):  # one or the other ends 4 bytes before a multiple of 8
        folder = tmp_path / str(trace)
        options = BuildOptions(optimize="size", toolchain=toolchain, trace=trace)
        build(model(), "net.tflite", BOARD, options, folder)
        sections = {s.name: s for s in read_image(folder / "firmware.elf").sections}
        code, constants = sections[".text"], sections[".rodata"]
        assert constants.address == code.address + code.bytes
        assert constants.address % 8 == 0
