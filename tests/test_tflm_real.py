"""The tflm engine with TensorFlow Lite Micro itself, where $TINYKIT_TFLM names a tree of it."""

import os
import re
from pathlib import Path

import pytest
from commands import Tinykit, shared_build
from fake_tflm import needs_gxx, needs_tree
from models import MODELS, shared_model

from tinykit.codegen.ops.table import KINDS
from tinykit.codegen.tflm import resolver_method
from tinykit.host.build import tflm_options
from tinykit.host.record import read_record

pytestmark = [needs_tree, needs_gxx]
EMULATED = ("--emulator", "unicorn")
# Instructions of one Invoke() and the least arena, counted by others: TensorFlow Lite Micro
# 90b983c2 with CMSIS-NN, GCC 12.2.1, a release build, under QEMU mps2-an386.
KNOWN = {"hello_world_int8": (3_523, 1_168), "micro_speech_int8": (1_495_388, 6_848)}
COUNTED_BUILD = "cortex_m_generic_cortex-m4+fp_release_cmsis_nn_gcc"


@pytest.fixture(params=KNOWN)
def folder(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("unicorn")
    data = shared_model(request.param)
    return shared_build(tmp_path_factory, request.param, data, tflm_options())


def test_answers_and_costs_are_those_that_others_counted(tinykit: Tinykit, folder: Path) -> None:
    record = read_record(folder)
    report = tinykit("bench", folder, "--json").json
    assert report["exact"] == {"oracle": "tflm", "inputs": 20, "mismatches": 0}
    assert sum(layer["instructions"] for layer in report["layers"]) == report["instructions"]
    if record.library == COUNTED_BUILD:
        instructions, arena_bytes = KNOWN[record.model]
        assert report["instructions"] == pytest.approx(instructions, rel=0.02)
        assert report["ram"]["arena"] == arena_bytes


def test_every_activation_is_the_oracles(
    tinykit: Tinykit, tmp_path_factory: pytest.TempPathFactory
) -> None:
    pytest.importorskip("unicorn")
    data = shared_model("hello_world_int8")
    traced = shared_build(tmp_path_factory, "hello_world_int8", data, tflm_options(trace=True))
    report = tinykit("verify", traced, *EMULATED, "--layers", "--inputs", "5", "--json").json
    assert (report["layers"], report["mismatches"]) == (3, 0)


def test_qemu_counts_what_unicorn_counts(tinykit: Tinykit) -> None:
    pytest.importorskip("unicorn")
    shared_model("hello_world_int8")
    model = MODELS / "hello_world_int8.tflite"
    words = ("bench", model, "--engine", "tflm", "--inputs", "2", "--json", "--board")
    unicorn, qemu = (tinykit(*words, board).json for board in ("nano33", "qemu_an386"))
    assert qemu["instructions"] == pytest.approx(unicorn["instructions"], rel=0.001)
    for left, right in zip(qemu["layers"], unicorn["layers"], strict=True):
        assert left["instructions"] == pytest.approx(right["instructions"], rel=0.01)


@pytest.mark.parametrize("kind", KINDS)
def test_every_operator_has_its_method(kind: str) -> None:
    header = Path(os.environ["TINYKIT_TFLM"], "tensorflow/lite/micro/micro_mutable_op_resolver.h")
    method = rf"TfLiteStatus {resolver_method(kind)}\("
    added = re.search(rf"{method}[^{{]*{{[^}}]*BuiltinOperator_{kind}\b", header.read_text())
    assert added, resolver_method(kind)
