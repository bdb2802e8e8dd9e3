"""Firmware of --app mlperf in the emulator: the runner of MLPerf Tiny and its golden words.

The transcripts in tests/golden/mlperf were compared with what the unmodified runner of
mlcommons/tiny said and heard (docs/apps.md says how to run it).
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import flat
import numpy as np
import pytest
import serial
import tiny
from commands import BOARD, TOOLCHAINS, Tinykit
from flat import FlatModel, FlatOperator, FlatTensor
from models import ROOT, shared_model
from numpy.typing import NDArray
from runner import READY, Runner

from tinykit.codegen.importer import import_tflite
from tinykit.codegen.mlperf import mlperf_files
from tinykit.core import oracle
from tinykit.core.errors import TinykitError
from tinykit.core.graph import Graph
from tinykit.host.build import BuildOptions, build
from tinykit.host.unicorn_emulator import UnicornEmulator

GOLDEN = ROOT / "tests" / "golden" / "mlperf"
MODELS = {"kws01": "kws_int8", "vww01": "vww_int8", "ic01": "resnet8_int8", "ad01": "ad01_int8"}


@contextmanager
def connected(emulator: UnicornEmulator) -> Iterator[Runner]:
    with serial.Serial(emulator.port, BOARD.link.baud, timeout=60) as port:

        def ask(data: bytes) -> list[str]:
            port.write(data)
            lines: list[str] = []
            while not lines or READY not in lines[-1]:
                line = port.readline().decode()
                assert line.endswith("\r\n"), (line, lines)
                lines.append(line.removesuffix("\r\n"))
            return lines

        yield Runner(ask)


def built(data: bytes, name: str, folder: Path, toolchain: str = "zig") -> Path:
    build(data, f"{name}.tflite", BOARD, BuildOptions(app="mlperf", toolchain=toolchain), folder)
    return folder / "firmware.elf"


def sent(benchmark: str) -> bytes:
    """Return an input as the runner reads it from a file."""
    rng = np.random.default_rng(7)
    if benchmark == "ad01":
        return rng.uniform(-30, 10, 640).astype("<f4").tobytes()
    sizes = {"kws01": 490, "vww01": 27_648, "ic01": 3_072}
    return rng.integers(0, 256, sizes[benchmark], np.uint8).tobytes()


def expected(benchmark: str, data: bytes, graph: Graph, model: bytes) -> list[str]:
    """Return the results, from TensorFlow Lite Micro's answer to what the data means."""
    taken, made = graph.tensors[graph.inputs[0]], graph.tensors[graph.outputs[0]]
    values: NDArray[np.generic] = np.frombuffer(data, np.uint8)
    if benchmark == "ad01":
        steps = np.frombuffer(data, "<f4") / np.float32(taken.scale)
        rounded = np.trunc(steps + np.copysign(np.float32(0.5), steps)) + taken.zero_point
        values = np.clip(rounded, -128, 127).astype(np.int8)
    elif benchmark == "kws01":
        values = values.view(np.int8)
    else:
        values = (values.astype(np.int16) - 128).astype(np.int8)
    output = oracle.run(model, [values.reshape(1, *taken.shape)]).outputs[0].ravel()
    floats = (output.astype(np.int32) - made.zero_point).astype(np.float32) * np.float32(made.scale)
    if benchmark != "ad01":
        return [f"{value:.3f}" for value in floats]
    total = np.float32(0)
    for difference in floats - np.frombuffer(data, "<f4"):
        total += difference * difference
    return [f"{total / np.float32(640):.3f}"]


@pytest.mark.parametrize("benchmark", MODELS)
def test_runner_gets_the_oracle_s_answers_in_golden_words(benchmark: str, tmp_path: Path) -> None:
    model = shared_model(MODELS[benchmark])
    data = sent(benchmark)
    elf = built(model, MODELS[benchmark], tmp_path / "built")

    with UnicornEmulator(elf, BOARD) as emulator, connected(emulator) as runner:
        name, found = runner.identify()
        runner.load(data)
        results, once_us = runner.infer(1, 0)

    graph = import_tflite(model, "x.tflite")
    assert (name, found) == ("tinykit nano33", benchmark)
    assert [f"{value:.3f}" for value in results] == expected(benchmark, data, graph, model)
    assert once_us > 1000
    golden = GOLDEN / f"{benchmark}.txt"
    if os.environ.get("TINYKIT_GOLDEN") == "write":
        golden.parent.mkdir(exist_ok=True)
        golden.write_text(runner.transcript())
    assert runner.transcript() == golden.read_text(), "if it is meant: make golden"


def test_more_iterations_take_more_time_and_give_the_same_results(tmp_path: Path) -> None:
    elf = built(shared_model("kws_int8"), "kws_int8", tmp_path / "built")

    with UnicornEmulator(elf, BOARD) as emulator, connected(emulator) as runner:
        runner.load(sent("kws01"))
        once, once_us = runner.infer(1, 0)
        thrice, thrice_us = runner.infer(3, 1)
        again = runner.command("results")

    # the line of the first lap is sent between the laps: at most 20 characters
    line_us = 20 * 10 * 1_000_000 // BOARD.link.baud
    assert once == thrice and len(again) == 1
    assert abs((thrice_us - once_us) - 2 * (once_us - line_us)) < 4 * line_us


def pair(taken: FlatTensor, made: FlatTensor) -> bytes:
    """Return a model with one FULLY_CONNECTED layer, or QUANTIZE around it."""
    return flat.to_bytes(
        FlatModel((taken, made), (FlatOperator("QUANTIZE", (0,), (1,)),), (0,), (1,))
    )


def test_model_that_is_no_benchmark_is_refused(tinykit: Tinykit, tmp_path: Path) -> None:
    model = tmp_path / "dense.tflite"
    model.write_bytes(tiny.dense())

    line, hint = tinykit.refuses("build", model, "--board", "nano33", "--app", "mlperf")

    assert line == "dense.tflite is no benchmark of MLPerf Tiny: it makes 3 values of 40"
    assert hint == (
        "those are kws01 490 to 12; vww01 27648 to 2; ic01 3072 to 10; ad01 640 to 640; "
        "for any model: --app stream"
    )


def test_input_type_that_the_runner_does_not_send_is_refused() -> None:
    graph = import_tflite(
        pair(
            FlatTensor("in", (1, 640), "uint8", (0.5,), (128,)),
            FlatTensor("out", (1, 640), "int8", (0.5,), (0,)),
        ),
        "ad.tflite",
    )

    with pytest.raises(TinykitError) as error:
        mlperf_files(graph, "ad.tflite", "0")

    assert error.value.message == (
        "ad.tflite takes uint8, the runner of MLPerf Tiny sends float32 for ad01"
    )
    assert error.value.hint == "quantize it with float32 or int8 inputs"


@pytest.mark.parametrize("option", ["--trace"])
def test_trace_means_nothing_to_it(option: str, tinykit: Tinykit, tmp_path: Path) -> None:
    model = tmp_path / "dense.tflite"
    model.write_bytes(tiny.dense())

    line, _ = tinykit.refuses("build", model, "--board", "nano33", "--app", "mlperf", option)

    assert line == f"{option} means nothing to --app mlperf"


def test_engine_that_has_it_not_is_refused(tinykit: Tinykit, tmp_path: Path) -> None:
    model = tmp_path / "dense.tflite"
    model.write_bytes(tiny.dense())

    line, hint = tinykit.refuses(
        "build", model, "--board", "nano33", "--app", "mlperf", "--engine", "tflm"
    )

    assert line == "--app mlperf is not built with --engine tflm"
    assert hint == "--engine native, or --app stream"


@pytest.mark.parametrize("toolchain", TOOLCHAINS)
@pytest.mark.parametrize("benchmark", ["kws01", "ad01"])
def test_both_toolchains_build_it_for_a_core_without_fpu(
    benchmark: str, toolchain: str, tinykit: Tinykit, tmp_path: Path
) -> None:
    model = tmp_path / "model.tflite"
    sizes = {"kws01": (490, 12), "ad01": (640, 640)}[benchmark]
    model.write_bytes(_dense(*sizes))

    ended = tinykit(
        *("build", model, "--board", "microbit", "--app", "mlperf", "--toolchain", toolchain),
        *("-o", tmp_path / "out", "--json"),
    )

    assert ended.status == 0, ended.err
    assert ended.json["app"] == "mlperf"


def _dense(inputs: int, outputs: int) -> bytes:
    rng = np.random.default_rng(1)
    weights = np.where(
        rng.random((outputs, inputs)) < 0.01, rng.integers(-9, 9, (outputs, inputs)), 0
    )
    return flat.to_bytes(
        FlatModel(
            (
                FlatTensor("in", (1, inputs), "int8", (0.5,), (1,)),
                FlatTensor(
                    "w", (outputs, inputs), "int8", (0.1,), (0,), data=weights.astype(np.int8)
                ),
                FlatTensor("out", (1, outputs), "int8", (0.5,), (3,)),
            ),
            (FlatOperator("FULLY_CONNECTED", (0, 1, -1), (2,), flat.dense_options()),),
            (0,),
            (2,),
        )
    )
