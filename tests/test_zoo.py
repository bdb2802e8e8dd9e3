"""Keras models of every kind, converted as the user does it: every activation is TFLM's.

The whole zoo takes minutes and runs with make soak; three kinds stand for it every time.
"""

from pathlib import Path

import numpy as np
import pytest
import stream_layers
from commands import BOARD, Tinykit
from models import compiled, host_activations, random_inputs
from zoo import ZOO, made

from tinykit.codegen import reference
from tinykit.core import oracle
from tinykit.core.data import DataSet
from tinykit.host.build import BuildOptions, build
from tinykit.prune.load import save_model
from tinykit.prune.quantize import convert

USUAL = ("bidirectional", "ring", "u_net")
CUSTOM = Path(stream_layers.__file__)
SAMPLES = 6

pytestmark = pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")


def converted(name: str, folder: Path) -> bytes:
    model, path = made(name), folder / f"{name}.keras"
    save_model(model, path)
    x = np.random.default_rng(2).normal(size=(32, *model.input_shape[1:]))
    return convert(path, DataSet(x.astype(np.float32)), CUSTOM).tflite


@pytest.mark.parametrize(
    "name", [pytest.param(n, marks=[] if n in USUAL else pytest.mark.soak) for n in ZOO]
)
def test_every_activation_of_a_keras_model_equals_tflm(name: str, tmp_path: Path) -> None:
    data = converted(name, tmp_path)
    model = compiled(data, name)
    inputs = random_inputs(model.graph, SAMPLES, seed=1)
    written = sorted({n for layer in model.program.layers for n in layer.outputs})
    truth = oracle.run(data, inputs, written).activations
    expected = reference.run_all(model.graph, inputs)
    on_host = host_activations(model, inputs, tmp_path)
    for number in written:
        for sample in range(SAMPLES):
            for found in (expected[sample][number], on_host[sample][number]):
                assert found.tobytes() == truth[number][sample].tobytes(), (number, sample)
    output = truth[model.graph.outputs[0]]
    assert len({row.tobytes() for row in output}) > SAMPLES // 2


def test_a_streaming_model_answers_on_the_board_as_tflm(tinykit: Tinykit, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    folder = tmp_path / "build"
    build(converted("ring", tmp_path), "ring.tflite", BOARD, BuildOptions(), folder)
    for more in (("--inputs", "12"), ("--layers", "--inputs", "4")):
        ended = tinykit("verify", folder, "--emulator", "unicorn", *more, "--json")
        assert (ended.status, ended.json["mismatches"], ended.json["oracle"]) == (0, 0, "tflm")


def test_a_model_of_int16_answers_on_the_board_as_tflm(tinykit: Tinykit, tmp_path: Path) -> None:
    pytest.importorskip("unicorn")
    model, folder = made("cnn"), tmp_path / "build"
    save_model(model, tmp_path / "cnn.keras")
    x = np.random.default_rng(2).normal(size=(32, *model.input_shape[1:]))
    np.savez(tmp_path / "data.npz", x=x.astype(np.float32))
    data, tflite = ("--data", tmp_path / "data.npz"), tmp_path / "cnn.tflite"
    quantized = (tmp_path / "cnn.keras", *data, "--activations", "int16", "-o", tflite)
    assert tinykit("quantize", *quantized).status == 0
    assert tinykit("build", tflite, "--board", BOARD.name, "-o", folder).status == 0
    for more in (data, ("--layers", "--inputs", "3")):
        ended = tinykit("verify", folder, "--emulator", "unicorn", *more, "--json")
        assert (ended.status, ended.json["mismatches"], ended.json["oracle"]) == (0, 0, "tflm")
