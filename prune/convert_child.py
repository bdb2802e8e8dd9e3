"""Convert a .keras file to integers in a process of its own, since the converter can crash.

Run as `python -P -m tinykit.prune.convert_child FOLDER ACTIVATIONS [CUSTOM.py]`. The folder holds
model.keras and samples.npy, random samples without; model.tflite is written, or error.json with
a message and a hint.
"""

import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError
from tinykit.prune.convertible import make_convertible
from tinykit.prune.load import load_model
from tinykit.train.backend import import_keras, import_tensorflow

_RANDOM_SAMPLES = 16


def main(arguments: list[str]) -> int:
    """Convert; the status is 0, or 2 with an error.json."""
    folder = Path(arguments[0])
    custom = Path(arguments[2]) if len(arguments) > 2 else None
    path = folder / "samples.npy"
    samples = np.load(path) if path.exists() else None
    try:
        converted = convert_here(folder / "model.keras", custom, samples, arguments[1])
    except TinykitError as error:
        reason = {"message": error.message, "hint": error.hint}
        (folder / "error.json").write_text(json.dumps(reason))
        return error.exit_status
    (folder / "model.tflite").write_bytes(converted)
    return 0


def convert_here(
    path: Path, custom: Path | None, samples: NDArray[np.float32] | None, activations: str
) -> bytes:
    """Convert in this process to a full-integer model at batch 1, with int8 weights.

    Args:
        path: the .keras file.
        custom: a Python file that registers the model's own classes.
        samples: representative inputs, float32 (n, ...); None draws random ones.
        activations: "int8" or "int16".
    """
    keras, tensorflow = import_keras(), import_tensorflow()
    model = load_model(path, custom)
    samples = _random(path, model) if samples is None else samples
    make_convertible(model)
    # With the batch left open the converter emits shape arithmetic and, for dilated
    # convolutions, operators that TensorFlow Lite Micro computes wrongly.
    one = keras.Input(batch_shape=(1, *samples.shape[1:]), name="input")
    fixed = keras.Model(one, model(one, training=False))
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(fixed)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [_operators(tensorflow.lite.OpsSet, activations)]
    kind = tensorflow.int8 if activations == "int8" else tensorflow.int16
    converter.inference_input_type = converter.inference_output_type = kind
    # otherwise a streaming layer keeps its state in floats
    converter._experimental_variable_quantization = True
    converter.representative_dataset = lambda: _one_by_one(samples)
    return _converted(path, converter, activations)


def _random(path: Path, model: Any) -> NDArray[np.float32]:
    shape = model.input_shape[1:]
    if any(length is None for length in shape):
        raise TinykitError(
            f"{path}: the input has the shape {shape}", "give keras.Input a fixed shape"
        )
    rng = np.random.default_rng(0)
    return rng.normal(size=(_RANDOM_SAMPLES, *shape)).astype(np.float32)


def _operators(sets: Any, activations: str) -> Any:
    if activations == "int8":
        return sets.TFLITE_BUILTINS_INT8
    return sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def _converted(path: Path, converter: Any, activations: str) -> bytes:
    try:
        return bytes(converter.convert())
    except Exception as error:
        text = str(error)
        unsupported = sorted(set(re.findall(r"'(tf\.[A-Za-z0-9_]+)' op", text)))
        what = ", ".join(unsupported) or " ".join(text.split())[:200]
        raise TinykitError(
            f"{path} cannot be converted to {activations}: {what}",
            "replace the layer by one that `tinykit ops` lists",
        ) from error


def _one_by_one(samples: NDArray[np.float32]) -> Iterator[list[NDArray[np.float32]]]:
    for sample in samples:
        yield [sample[np.newaxis]]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
