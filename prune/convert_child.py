"""Convert a .keras file to integers in a process of its own, since the converter can crash.

Run as `python -P -m tinykit.prune.convert_child FOLDER ACTIVATIONS [CUSTOM.py]`. The folder holds
model.keras and samples.npz, an array an input, random samples without; model.tflite is written, or
error.json with a message and a hint.
"""

import json
import re
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError
from tinykit.prune.convertible import make_convertible
from tinykit.prune.ends import InputEnd, input_ends
from tinykit.prune.load import load_any_model
from tinykit.prune.order import in_order
from tinykit.train.backend import import_keras, import_tensorflow

_RANDOM_SAMPLES = 16
Arrays = list[NDArray[Any]]
# What to do about operations that no operator of the converter's stands for.
_INSTEAD = {
    "tf.BitwiseAnd": "leave ops.argmax and one_hot out: the application finds the largest output",
    "tf.Conv2DBackpropInput": "use Conv2DTranspose without dilation",
}


def main(arguments: list[str]) -> int:
    """Convert; the status is 0, or 2 with an error.json."""
    folder = Path(arguments[0])
    custom = Path(arguments[2]) if len(arguments) > 2 else None
    samples = _samples(folder / "samples.npz")
    try:
        converted = convert_here(folder / "model.keras", custom, samples, arguments[1])
    except TinykitError as error:
        reason = {"message": error.message, "hint": error.hint}
        (folder / "error.json").write_text(json.dumps(reason))
        return error.exit_status
    (folder / "model.tflite").write_bytes(converted)
    return 0


def _samples(path: Path) -> Arrays | None:
    if not path.exists():
        return None
    with np.load(path) as archive:
        return [archive[f"arr_{i}"] for i in range(len(archive.files))]


def convert_here(
    path: Path, custom: Path | None, samples: Arrays | None, activations: str
) -> bytes:
    """Convert in this process to a full-integer model at batch 1, with int8 weights.

    Args:
        path: the .keras file.
        custom: a Python file that registers the model's own classes.
        samples: representative inputs, float32 (n, ...), an array an input; None draws random ones.
        activations: "int8" or "int16".
    """
    keras, tensorflow = import_keras(), import_tensorflow()
    model = load_any_model(path, custom)
    ends = input_ends(model)
    samples = _random(path, ends) if samples is None else samples
    make_convertible(model)
    # With the batch left open the converter emits shape arithmetic and, for dilated
    # convolutions, operators that TensorFlow Lite Micro computes wrongly.
    fed = [
        keras.Input(batch_shape=(1, *batch.shape[1:]), dtype=end.dtype, name=f"input_{i}")
        for i, (batch, end) in enumerate(zip(samples, ends, strict=True))
    ]
    fixed = keras.Model(fed, model(fed if len(fed) > 1 else fed[0], training=False))
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(fixed)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [_operators(tensorflow.lite.OpsSet, activations)]
    kind = tensorflow.int8 if activations == "int8" else tensorflow.int16
    converter.inference_input_type = converter.inference_output_type = kind
    # otherwise a streaming layer keeps its state in floats
    converter._experimental_variable_quantization = True
    typed = [batch.astype(end.dtype) for batch, end in zip(samples, ends, strict=True)]
    converter.representative_dataset = lambda: _one_by_one(typed)
    try:
        return in_order(bytes(converter.convert()))
    except Exception as error:
        _refuse_broken(path, fixed, typed)
        raise _refused(path, activations, str(error)) from error


def _random(path: Path, ends: Sequence[InputEnd]) -> Arrays:
    rng = np.random.default_rng(0)
    drawn: Arrays = []
    for end in ends:
        known = [length for length in end.shape if length is not None]
        if len(known) < len(end.shape):
            raise TinykitError(
                f"{path}: the input has the shape {end.shape}", "give keras.Input a fixed shape"
            )
        shape = (_RANDOM_SAMPLES, *known)
        if end.dtype == "int32":
            drawn.append(rng.integers(0, end.tokens, shape))
        else:
            drawn.append(rng.normal(size=shape).astype(np.float32))
    return drawn


def _operators(sets: Any, activations: str) -> Any:
    if activations == "int8":
        return sets.TFLITE_BUILTINS_INT8
    return sets.EXPERIMENTAL_TFLITE_BUILTINS_ACTIVATIONS_INT16_WEIGHTS_INT8


def _refuse_broken(path: Path, model: Any, samples: Arrays) -> None:
    """Raise if the model cannot run at all, of which the converter says nothing."""
    batches = [batch[:1] for batch in samples]
    try:
        model(batches if len(batches) > 1 else batches[0], training=False)
    except Exception as error:
        raise TinykitError(
            f"{path} does not run, not even in Keras: {_cause(error)}",
            "call the model on one sample before you save it; the activations glu and threshold "
            "want a layer of your own around them",
        ) from error


def _cause(error: Exception) -> str:
    """Return one line without the colours that Keras adds, and without the arguments."""
    paragraphs = re.sub(r"\x1b\[\d+m", "", str(error)).split("\n\n")
    added = ("Exception encountered", "Arguments received")
    found = [text for text in paragraphs if not text.startswith(added)]
    return " ".join(" ".join(found).split())[:200]


def _refused(path: Path, activations: str, text: str) -> TinykitError:
    unsupported = sorted(set(re.findall(r"'(tf\.[A-Za-z0-9_]+)' op", text)))
    what = ", ".join(unsupported) or " ".join(text.split())[:200]
    return TinykitError(
        f"{path} cannot be converted to {activations}: {what}",
        _INSTEAD.get(what, "replace the layer by one that `tinykit ops` lists"),
    )


def _one_by_one(samples: Arrays) -> Iterator[dict[str, NDArray[Any]]]:
    """Give samples by name: the converter does not keep the inputs' order."""
    for each in zip(*samples, strict=True):
        yield {f"input_{i}": sample[np.newaxis] for i, sample in enumerate(each)}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
