"""The tflm engine with TensorFlow Lite Micro itself, where $TINYKIT_TFLM names a tree of it."""

import os
import re
import subprocess
from pathlib import Path

import pytest
from commands import Tinykit, shared_build
from fake_tflm import needs_gxx, needs_qemu, needs_tree
from models import ROOT, shared_model

from tinykit.codegen.ops.table import KINDS
from tinykit.codegen.tflm import resolver_method
from tinykit.core.board import find_board
from tinykit.host.build import tflm_options
from tinykit.host.record import BuildRecord, read_record
from tinykit.host.tflm_tree import LIBRARY

pytestmark = [needs_tree, needs_gxx]
# Instructions of one Invoke() and the least arena, counted by others: TensorFlow Lite Micro
# 90b983c2 with CMSIS-NN, GCC 12.2.1, a release build, under QEMU mps2-an386.
KNOWN = {
    "hello_world_int8": (3_523, 1_168),
    "ad01_int8": (582_954, 3_024),
    "micro_speech_int8": (1_495_388, 6_848),
    "kws_int8": (7_696_930, 22_832),
    "resnet8_int8": (29_862_923, 55_008),
    "vww_int8": (24_101_936, 100_720),
}
SMALL = ("hello_world_int8", "micro_speech_int8")
NAMES = [pytest.param(name, marks=() if name in SMALL else pytest.mark.soak) for name in KNOWN]
BOARDS = ["nano33", pytest.param("qemu_an386", marks=needs_qemu)]
COUNTED_BUILD = "cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc"
COUNTED_REVISION, COUNTED_COMPILER = "90b983c2", "12.2.1"


@pytest.mark.parametrize("board", BOARDS)
@pytest.mark.parametrize("name", NAMES)
def test_answers_and_costs_are_those_that_were_counted(
    name: str, board: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    folder = _folder(tmp_path_factory, name, board)
    record = read_record(folder)
    report = tinykit("bench", folder, "--json").json
    assert report["exact"] == {"oracle": "tflm", "inputs": 20, "mismatches": 0}
    assert sum(layer["instructions"] for layer in report["layers"]) == report["instructions"]
    if not _costs_are_known(record):
        pytest.skip(f"0 mismatches; costs are known of {COUNTED_REVISION}, {COUNTED_BUILD} only")
    instructions, arena_bytes = KNOWN[name]
    assert report["instructions"] == pytest.approx(instructions, rel=0.02)
    assert report["ram"]["arena"] == arena_bytes
    documented = _documented(name)
    assert (report["instructions"], arena_bytes) == (documented[0], documented[3])
    if board == "nano33":  # gaps between variables are a byte more or less elsewhere
        flash, ram = (_without_application(report[memory]) for memory in ("flash", "ram"))
        assert (flash, ram) == documented[1:3]


@pytest.mark.parametrize("name", NAMES)
def test_every_activation_is_the_oracles(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    traced = _folder(tmp_path_factory, name, "nano33", trace=True)
    words = ("--emulator", "unicorn", "--layers", "--inputs", "2", "--json")
    report = tinykit("verify", traced, *words).json
    assert (report["inputs"], report["mismatches"]) == (2, 0)
    assert report["layers"] > 0


@needs_qemu
@pytest.mark.parametrize("name", NAMES)
def test_qemu_counts_what_unicorn_counts(
    name: str, tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    unicorn, qemu = (
        tinykit("bench", _folder(tmp_path_factory, name, board), "--inputs", "1", "--json").json
        for board in ("nano33", "qemu_an386")
    )
    assert qemu["instructions"] == unicorn["instructions"]
    assert [layer["instructions"] for layer in qemu["layers"]] == [
        layer["instructions"] for layer in unicorn["layers"]
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_operator_has_its_method(kind: str) -> None:
    header = Path(os.environ["TINYKIT_TFLM"], "tensorflow/lite/micro/micro_mutable_op_resolver.h")
    method = rf"TfLiteStatus {resolver_method(kind)}\("
    added = re.search(rf"{method}[^{{]*{{[^}}]*BuiltinOperator_{kind}\b", header.read_text())
    assert added, resolver_method(kind)


def _folder(factory: pytest.TempPathFactory, name: str, board: str, trace: bool = False) -> Path:
    options = tflm_options(trace=trace)
    return shared_build(factory, name, shared_model(name), options, find_board(board))


def _costs_are_known(record: BuildRecord) -> bool:
    """Tell whether tree, library and linker are those whose costs are known."""
    tree = Path(os.environ["TINYKIT_TFLM"])
    command = ["git", "-C", tree, "rev-parse", "HEAD"]
    revision = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    library = tree / "gen" / record.library / "lib" / LIBRARY
    return (
        record.library == COUNTED_BUILD
        and revision.startswith(COUNTED_REVISION)
        and record.toolchain == f"gcc {COUNTED_COMPILER}"
        and f") {COUNTED_COMPILER} ".encode() in library.read_bytes()  # GCC signs its objects
    )


def _without_application(sizes: dict[str, int]) -> int:
    return sizes["total"] - sizes["app"]


def _documented(name: str) -> tuple[int, ...]:
    """Return a row of the table in docs/tflm.md: instructions, flash, RAM, arena."""
    text = (ROOT / "docs" / "tflm.md").read_text()
    row = re.search(rf"^\| {name} \|((?: [\d ]+ \|){{4}})", text, re.MULTILINE)
    assert row, f"docs/tflm.md has no row of {name}"
    return tuple(int(cell.replace(" ", "")) for cell in row[1].split("|")[:4])
