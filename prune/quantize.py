"""Convert a Keras model to a full-integer .tflite file at batch 1."""

import json
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.affine import dequantize, quantize
from tinykit.core.data import DataSet
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.core.score import Score, score_outputs
from tinykit.prune.aware import calibration_samples
from tinykit.prune.ends import input_ends, refuse_other_inputs
from tinykit.prune.flatfile import Port, Summary, summarize
from tinykit.prune.keras3 import count_zeros
from tinykit.prune.load import load_any_model, load_model, refuse_foreign
from tinykit.train.fit import refuse_wrong_samples

LAST_WORDS = 3


@dataclass(frozen=True, slots=True)
class Int8Model:
    """Hold a converted model.

    Attributes:
        tflite: the file.
        summary: what is in it.
        zeros_before: how many weights of the Keras model's kernels were zero.
    """

    tflite: bytes
    summary: Summary
    zeros_before: int

    @property
    def input(self) -> Port:
        """Return the one input."""
        return self.summary.inputs[0]

    @property
    def output(self) -> Port:
        """Return the one output."""
        return self.summary.outputs[0]

    @property
    def zeros(self) -> int:
        """Return how many weights are zero."""
        return sum(tensor.zeros for tensor in self.summary.weights)

    @property
    def weights(self) -> int:
        """Return how many weights there are."""
        return sum(tensor.weights for tensor in self.summary.weights)


def convert(
    model_path: Path, data: DataSet, custom: Path | None = None, activations: str = "int8"
) -> Int8Model:
    """Convert a .keras file in a child process.

    Args:
        model_path: the .keras file.
        data: float32 samples to find the ranges of activations with; every so many-th is used.
        custom: a Python file that registers the model's own classes.
        activations: "int8", or "int16" for more precise ones; weights are int8.

    Raises:
        TinykitError: the model or data cannot be used, or the converter crashed.
        CheckFailedError: weights that were zero are not any more.
    """
    model = load_model(model_path, custom)
    refuse_wrong_samples(model, data, "the data")
    zeros_before = sum(layer.zeros for layer in count_zeros(model))
    return _convert(model_path, custom, activations, [calibration_samples(data.x)], zeros_before)


def convert_many(
    model_path: Path, inputs: Sequence[NDArray[Any]], custom: Path | None, activations: str
) -> Int8Model:
    """Convert a .keras file of any inputs and outputs.

    Args:
        model_path: the .keras file.
        inputs: an array an input, (n, ...), to find the ranges of activations with.
        custom: a Python file that registers the model's own classes.
        activations: as above.

    Raises:
        TinykitError: the model or data cannot be used, or the converter crashed.
    """
    model = load_any_model(model_path, custom)
    refuse_other_inputs(model_path, input_ends(model), inputs)
    zeros_before = sum(layer.zeros for layer in count_zeros(model))
    samples = [calibration_samples(x) for x in inputs]
    return _convert(model_path, custom, activations, samples, zeros_before)


def _convert(
    model_path: Path,
    custom: Path | None,
    activations: str,
    samples: Sequence[NDArray[Any]],
    zeros_before: int,
) -> Int8Model:
    tflite_bytes = _convert_in_child(model_path, custom, activations, samples)
    converted = Int8Model(tflite_bytes, summarize(tflite_bytes), zeros_before)
    _refuse_other_types(model_path, converted, activations)
    if converted.zeros < zeros_before:
        raise CheckFailedError(
            f"{model_path}: {zeros_before} weights were zero, {converted.zeros} are in int8",
            "a layer between kernel and convolution mixes weights; prune without it",
        )
    return converted


def convert_untrained(path: Path, custom: Path | None = None) -> bytes:
    """Convert a .keras file with random samples, to see what becomes of it.

    Only the child process loads the model, so TensorFlow starts once.

    Raises:
        TinykitError: the model cannot be used, or the converter crashed.
    """
    refuse_foreign(path)
    return _convert_in_child(path, custom, "int8", None)


def quantize_inputs(port: Port, data: DataSet) -> NDArray[Any]:
    """Give a data set as inputs: quantized, or as it is if it is int8 already."""
    return quantize_input(port, data.x)


def quantize_input(port: Port, x: NDArray[Any]) -> NDArray[Any]:
    """Give the values of one input as the model takes them."""
    if x.dtype == np.int8:
        return x.astype(np.int8)
    if port.dtype == "INT32":
        return x.astype(np.int32)
    return quantize(x.astype(np.float32), port.scale, port.zero_point, port.dtype.lower())


def score_int8(port: Port, outputs: NDArray[Any], data: DataSet) -> Score:
    """Score integer outputs (n, ...), of an interpreter or a board, against a data set's y."""
    assert data.y is not None
    return score_outputs(dequantize(outputs, port.scale, port.zero_point), data.y)


def _convert_in_child(
    model: Path, custom: Path | None, activations: str, samples: Sequence[NDArray[Any]] | None
) -> bytes:
    with tempfile.TemporaryDirectory(prefix="tinykit-") as name:
        folder = Path(name)
        shutil.copy(model, folder / "model.keras")
        if samples is not None:
            np.savez(folder / "samples.npz", *samples)
        # -P: what lies in the user's folder must not shadow a module of ours.
        command = [sys.executable, "-P", "-m", "tinykit.prune.convert_child", name, activations]
        command += [str(custom.resolve())] if custom else []
        child = subprocess.run(
            command, stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace"
        )
        if child.returncode != 0:
            raise _explain(model, folder, child)
        return (folder / "model.tflite").read_bytes()


def _explain(model: Path, folder: Path, child: subprocess.CompletedProcess[str]) -> TinykitError:
    if (folder / "error.json").exists():
        reason = json.loads((folder / "error.json").read_text())
        message = reason["message"].replace(str(folder / "model.keras"), str(model))
        return TinykitError(message, reason["hint"])
    words = " ".join(child.stderr.strip().splitlines()[-LAST_WORDS:])
    how = f"ended with status {child.returncode}"
    if child.returncode < 0:
        how = f"crashed ({signal.Signals(-child.returncode).name})"
    return TinykitError(
        f"{model}: TensorFlow's converter {how}: {words or 'it said nothing'}",
        "loops are known to crash it: layers of keras.layers.RNN are unrolled, others cannot be",
    )


def _refuse_other_types(model: Path, converted: Int8Model, activations: str) -> None:
    summary = converted.summary
    whole = [port for port in summary.inputs if port.dtype == "INT32"]
    for port in (*summary.inputs, *summary.outputs):
        if port not in whole and (port.dtype != activations.upper() or port.scale == 0):
            raise TinykitError(
                f"{model}: {port.name} is {port.dtype} after conversion, not {activations}",
                "a layer could not be quantized, see `tinykit ops`",
            )
