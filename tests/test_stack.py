"""The bound of the stack is never below what an emulated board has used, and not far above."""

from dataclasses import replace
from pathlib import Path

import pytest
import tiny
from commands import BOARD, TOOLCHAINS

from tinykit.core.board import board_paths, find_board
from tinykit.core.errors import CheckFailedError
from tinykit.host.bench import bench
from tinykit.host.build import BuildOptions, build
from tinykit.host.loaded import load
from tinykit.host.samples import random_samples
from tinykit.host.session import Place
from tinykit.host.sizes import FAULT_BYTES


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("name", tiny.TINY)
def test_the_bound_holds_what_is_used(name: str, toolchain: str, tmp_path: Path) -> None:
    folder = tmp_path / name
    options = BuildOptions(toolchain=toolchain)
    record = build(tiny.TINY[name](), f"{name}.tflite", BOARD, options, folder)
    graph = load(folder, record).graph
    report = bench(folder, record, Place(None, "unicorn"), random_samples(graph, 2, seed=1))
    assert report.ram["stack"] <= report.stack_bound <= report.ram["stack"] + 64
    assert record.sizes.stack - FAULT_BYTES < record.sizes.stack_most + 16
    assert report.stack_bound < record.sizes.stack_most <= record.sizes.stack - FAULT_BYTES


def test_a_stack_that_could_overflow_is_refused(tmp_path: Path) -> None:
    tight = replace(BOARD, ram=replace(BOARD.ram, stack_bytes=512))
    with pytest.raises(CheckFailedError) as caught:
        build(tiny.image(), "image.tflite", tight, BuildOptions(), tmp_path / "out")
    needs = caught.value.message.split(" bytes")[0].removeprefix("the stack can grow to ")
    assert caught.value.message == (
        f"the stack can grow to {needs} bytes, nano33 has 256 bytes (512 bytes less 256 for faults)"
    )
    assert caught.value.hint == "raise ram.stack_bytes in the board's file"
    assert int(needs) > 256
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize("board", sorted(board_paths()))
def test_every_board_reserves_what_it_needs(board: str, tmp_path: Path) -> None:
    record = build(
        tiny.dense(), "dense.tflite", find_board(board), BuildOptions(), tmp_path / "out"
    )
    assert 0 <= record.sizes.stack - FAULT_BYTES - record.sizes.stack_most < 16
