"""Convert a small Keras model whose inputs and outputs have another type than int8.

Run as `python -P port_child.py TYPE FILE.tflite`.
"""

import sys
from pathlib import Path

import numpy as np

from tinykit.train.backend import import_keras, import_tensorflow

SHAPE = (6, 6, 2)


def main(kind: str, path: Path) -> None:
    keras, tensorflow = import_keras(), import_tensorflow()
    keras.utils.set_random_seed(1)
    layers = keras.layers
    one = keras.Input(batch_shape=(1, *SHAPE))
    hidden = layers.Flatten()(layers.Conv2D(4, 3, activation="relu")(one))
    model = keras.Model(one, layers.Dense(3, activation="softmax")(hidden))
    converter = tensorflow.lite.TFLiteConverter.from_keras_model(model)
    converter.optimizations = [tensorflow.lite.Optimize.DEFAULT]
    converter.target_spec.supported_ops = [tensorflow.lite.OpsSet.TFLITE_BUILTINS_INT8]
    converter.inference_input_type = tensorflow.as_dtype(kind)
    converter.inference_output_type = tensorflow.as_dtype(kind)
    rng = np.random.default_rng(1)
    samples = [rng.normal(size=(1, *SHAPE)).astype(np.float32) for _ in range(16)]
    converter.representative_dataset = lambda: ([sample] for sample in samples)
    path.write_bytes(converter.convert())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
