import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import nets
import numpy as np
import pytest
import zoo
from commands import Tinykit

from tinykit.core import oracle
from tinykit.core.affine import dequantize
from tinykit.core.errors import TinykitError
from tinykit.prune.aware import CALIBRATION_SAMPLES, calibration_samples
from tinykit.prune.convertible import make_convertible
from tinykit.prune.flatfile import Port, summarize
from tinykit.prune.keras3 import prune_model
from tinykit.prune.load import HOW_TO_SAVE, load_model, save_model
from tinykit.prune.quantize import (
    convert,
    convert_many,
    convert_untrained,
    quantize_input,
    quantize_inputs,
    score_int8,
)
from tinykit.prune.recipe import Recipe
from tinykit.train.predict import evaluate

keras = nets.keras
layers = nets.layers

CUSTOM = """
import keras


@keras.saving.register_keras_serializable(package="mine")
class Doubled(keras.layers.Layer):
    def call(self, x):
        return x + x
"""


def _saved(model: Any, folder: Path, name: str = "model.keras") -> Path:
    path = folder / name
    save_model(model, path)
    return path


def _image_net() -> Any:
    return keras.Sequential(
        [
            keras.Input((6, 6, 1)),
            layers.Conv2D(4, 3, use_bias=False),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.DepthwiseConv2D(3, padding="same"),
            layers.MaxPooling2D(),
            layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )


def test_quantize_keeps_zeros_and_accuracy_in_the_real_interpreter(tmp_path: Path) -> None:
    keras.utils.set_random_seed(1)
    model, data = _image_net(), nets.images()
    recipe = Recipe(sparsity=0.5, epochs=20, learning_rate=1e-2)
    report = prune_model(model, data, data, recipe)
    converted = convert(_saved(model, tmp_path), data)
    assert converted.zeros >= converted.zeros_before == report.zeros
    assert (converted.input.shape, converted.input.dtype) == ((1, 6, 6, 1), "INT8")
    outputs = oracle.run(converted.tflite, [quantize_inputs(converted.input, data)]).outputs[0]
    score = score_int8(converted.output, outputs.astype(np.int8), data)
    assert score.value == pytest.approx(evaluate(model, data).value, abs=0.03)


def test_quantize_twice_gives_the_same_bytes(tmp_path: Path) -> None:
    path = _saved(nets.subclassed(), tmp_path)
    custom = Path(nets.__file__)
    first, second = (convert(path, nets.classes(), custom).tflite for _ in range(2))
    assert first == second


def test_quantize_takes_evenly_spaced_samples_for_calibration() -> None:
    data = nets.classes(1000)
    samples = calibration_samples(data.x)
    assert len(samples) == CALIBRATION_SAMPLES
    assert np.array_equal(samples[0], data.x[0]) and np.array_equal(samples[-1], data.x[-1])


def test_quantize_refuses_weights_that_are_no_numbers(tmp_path: Path) -> None:
    model = nets.sequential()
    weights = model.get_weights()
    weights[0][0, 0] = np.nan
    model.set_weights(weights)
    path = _saved(model, tmp_path)
    error = _refusal(lambda: convert(path, nets.classes()))
    assert error.message.startswith(f"{path}: the weights ")
    assert error.message.endswith(" hold NaN or infinity")


def test_quantize_refuses_a_folder() -> None:
    error = _refusal(lambda: convert(Path(), nets.classes()))
    assert error.message == ". is a folder"


def test_a_trial_conversion_needs_no_data(tmp_path: Path) -> None:
    path = _saved(nets.sequential(), tmp_path)
    assert convert_untrained(path) == convert_untrained(path)
    x = keras.Input((None, 4))
    path = _saved(keras.Model(x, layers.Dense(2)(x)), tmp_path)
    error = _refusal(lambda: convert_untrained(path))
    assert error.message == f"{path}: the input has the shape (None, 4)"


def test_quantize_passes_int8_inputs_as_they_are() -> None:
    codes = np.arange(-4, 4, dtype=np.int8).reshape(2, 4)
    data = replace(nets.classes(2), x=codes)
    port = Port("x", (1, 4), "INT8", 0.5, 3)
    assert np.array_equal(quantize_inputs(port, data), codes)


def test_quantize_explains_a_layer_that_has_no_int8_form(tmp_path: Path) -> None:
    x = keras.Input((4,))
    path = _saved(keras.Model(x, keras.ops.erfinv(layers.Dense(3)(x))), tmp_path)
    error = _refusal(lambda: convert(path, nets.classes()))
    assert error.message == f"{path} cannot be converted to int8: tf.Erfinv"


@pytest.mark.parametrize("name", ["bidirectional", "gru", "lstm", "u_net"])
def test_layers_compute_the_same_after_they_are_made_convertible(name: str) -> None:
    model = zoo.made(name)
    x = np.random.default_rng(0).normal(size=(1, *model.input_shape[1:])).astype(np.float32)
    before = np.asarray(model(x))
    make_convertible(model)
    np.testing.assert_allclose(np.asarray(model(x)), before, rtol=1e-4, atol=1e-6)


def _of_every_kind() -> Any:
    """Make a model of two inputs and outputs, of the layers that are changed for the converter."""
    frames, tokens = keras.Input((3, 6, 6, 1)), keras.Input((6,))
    each = layers.TimeDistributed(layers.Conv2D(2, 3, activation="relu"))(frames)
    each = layers.TimeDistributed(layers.GlobalAveragePooling2D())(each)
    again = layers.RepeatVector(12)(layers.Dense(4)(layers.Flatten()(each)))
    words = layers.UpSampling1D(2)(layers.Embedding(300, 4)(tokens))
    both = layers.Conv1D(3, 3, activation="relu")(layers.Add()([again, words]))
    pooled = layers.GlobalMaxPooling1D()(words)
    return keras.Model(
        [tokens, frames], [layers.Dense(5)(pooled), layers.Dense(2)(layers.Flatten()(both))]
    )


def _samples_of_every_kind() -> list[Any]:
    rng = np.random.default_rng(0)
    frames = rng.normal(size=(16, 3, 6, 6, 1)).astype(np.float32)
    return [rng.integers(0, 300, (16, 6)).astype(np.float32), frames]


def test_changed_layers_compute_the_same() -> None:
    model, samples = _of_every_kind(), [x[:1] for x in _samples_of_every_kind()]
    before = [np.asarray(y) for y in model(samples)]
    make_convertible(model)
    for now, then in zip(model(samples), before, strict=True):
        np.testing.assert_allclose(np.asarray(now), then, rtol=1e-4, atol=1e-6)


@pytest.mark.skipif(not oracle.available(), reason="tflite-micro has no wheel here")
def test_quantize_takes_several_inputs_and_outputs(tinykit: Tinykit, tmp_path: Path) -> None:
    model, samples = _of_every_kind(), _samples_of_every_kind()
    path = _saved(model, tmp_path)
    np.savez(tmp_path / "data.npz", x0=samples[0], x1=samples[1])
    made = tmp_path / "made.tflite"
    ended = tinykit("quantize", path, "--data", tmp_path / "data.npz", "-o", made, "--json")
    assert ended.status == 0
    assert tinykit("check", made, "--json").json["compiles"]
    assert tinykit("check", path, "--json").json["compiles"]
    data = made.read_bytes()
    summary = summarize(data)
    assert [port.shape for port in summary.inputs] == [(1, 6), (1, 3, 6, 6, 1)]
    assert [port.dtype for port in summary.inputs] == ["INT32", "INT8"]
    ports = zip(summary.inputs, samples, strict=True)
    answers = oracle.run(data, [quantize_input(port, x) for port, x in ports]).outputs
    for port, found, exact in zip(summary.outputs, answers, model(samples), strict=True):
        real = dequantize(found, port.scale, port.zero_point)
        np.testing.assert_allclose(real.reshape(exact.shape), np.asarray(exact), atol=0.15)


def test_quantize_says_which_arrays_a_model_of_several_inputs_needs(tmp_path: Path) -> None:
    path = _saved(_of_every_kind(), tmp_path)
    error = _refusal(lambda: convert_many(path, [np.zeros((2, 6))], None, "int8"))
    assert error.message == f"{path} has 2 inputs, the data 1"
    assert error.hint == "save x0, x1: docs/files.md"
    error = _refusal(lambda: convert(path, nets.classes()))
    assert (
        error.hint == "tinykit quantize takes it with an array an input, x0, x1, ..: docs/files.md"
    )


def test_quantize_turns_a_crash_of_the_converter_into_one_line(
    tmp_path: Path,
) -> None:
    path = _saved(nets.sequential(), tmp_path)
    crash = tmp_path / "crash.py"
    crash.write_text(
        "import os, signal, sys\n"
        "if 'convert_child' in sys.argv[0]:\n"
        "    sys.stderr.write('last words\\n')\n"
        "    sys.stderr.flush()\n"
        "    os.kill(os.getpid(), signal.SIGSEGV)\n"
    )
    error = _refusal(lambda: convert(path, nets.classes(), custom=crash))
    assert error.message == f"{path}: TensorFlow's converter crashed (SIGSEGV): last words"


def test_quantize_refuses_data_of_another_shape(tmp_path: Path) -> None:
    path = _saved(nets.sequential(), tmp_path)
    error = _refusal(lambda: convert(path, nets.images()))
    assert error.message == (
        "the data: a sample of x has shape (6, 6, 1), the model's input has shape (4,)"
    )


def test_load_takes_a_class_that_a_custom_file_registers(tmp_path: Path) -> None:
    (tmp_path / "custom.py").write_text(CUSTOM)
    make = (
        f"import sys; sys.path.insert(0, {str(tmp_path)!r})\n"
        "from tinykit.train.backend import import_keras\nkeras = import_keras()\n"
        "from custom import Doubled\n"
        "keras.Sequential([keras.Input((4,)), Doubled(), keras.layers.Dense(2)])"
        f".save({str(tmp_path / 'own.keras')!r})\n"
    )
    subprocess.run([sys.executable, "-c", make], check=True, capture_output=True)
    path = tmp_path / "own.keras"
    error = _refusal(lambda: load_model(path))
    assert error.message == f"{path} has a class of its own, Doubled, that nothing has registered"
    assert error.hint == (
        "decorate it with @keras.saving.register_keras_serializable() and add --custom FILE.py"
    )
    assert load_model(path, tmp_path / "custom.py").count_params() == 10


def test_load_runs_no_code_that_a_file_brings(tmp_path: Path) -> None:
    model = keras.Sequential([keras.Input((4,)), layers.Lambda(lambda x: x * 2)])
    path = _saved(model, tmp_path)
    error = _refusal(lambda: load_model(path))
    assert error.message == f"{path} holds a Lambda, which is code that loading would run"


def test_load_refuses_what_is_no_keras_file(tmp_path: Path) -> None:
    whole = _saved(nets.sequential(), tmp_path, "whole.keras")
    cut = tmp_path / "cut.keras"
    cut.write_bytes(whole.read_bytes()[:1000])
    text = tmp_path / "text.keras"
    text.write_text("hello")
    empty = tmp_path / "empty.keras"
    with zipfile.ZipFile(empty, "w") as archive:
        archive.writestr("config.json", "{}")
    other = tmp_path / "model.h5"
    other.write_text("hello")
    for path, message in [
        (tmp_path / "no.keras", "PATH does not exist"),
        (other, "PATH is not a .keras file"),
        (text, "PATH is not a .keras file, or is cut short (5 bytes)"),
        (cut, "PATH is not a .keras file, or is cut short (1000 bytes)"),
        (empty, "PATH lacks metadata.json, model.weights.h5"),
    ]:
        error = _refusal(lambda path=path: load_model(path))
        assert error.message == message.replace("PATH", str(path))
    assert error.hint == HOW_TO_SAVE


def test_load_refuses_a_damaged_keras_file(tmp_path: Path) -> None:
    path = _saved(nets.sequential(), tmp_path)
    damaged = bytearray(path.read_bytes())
    with zipfile.ZipFile(path) as archive:
        offset = archive.getinfo("config.json").header_offset
    damaged[offset + 60] ^= 0xFF
    path.write_bytes(damaged)
    error = _refusal(lambda: load_model(path))
    assert error.message == f"{path} has a damaged config.json"


def test_load_refuses_a_model_of_two_inputs(tmp_path: Path) -> None:
    one, two = keras.Input((4,)), keras.Input((4,))
    path = _saved(keras.Model([one, two], layers.Add()([one, two])), tmp_path)
    error = _refusal(lambda: load_model(path))
    assert error.message == f"{path} has 2 inputs, this takes models with one"


def test_save_interrupted_leaves_nothing_behind(tmp_path: Path) -> None:
    class Interrupted:
        def save(self, path: Path) -> None:
            path.write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        save_model(Interrupted(), tmp_path / "model.keras")
    assert list(tmp_path.iterdir()) == []


def _refusal(action: Any) -> TinykitError:
    with pytest.raises(TinykitError) as caught:
        action()
    assert caught.value.exit_status == 2
    assert caught.value.hint
    return caught.value
