"""Import Keras on TensorFlow, silently, or say what to install."""

import os
from typing import Any

from tinykit.core.errors import MissingToolError, TinykitError
from tinykit.train.quiet import quiet

INSTALL = "pip install 'tinykit-mcu[train]'"


def import_keras() -> Any:
    """Return the module `keras`, running on TensorFlow.

    Raises:
        MissingToolError: TensorFlow or Keras is not installed.
        TinykitError: the user's environment chose another backend.
    """
    os.environ.setdefault("KERAS_BACKEND", "tensorflow")
    chosen = os.environ["KERAS_BACKEND"]
    if chosen != "tensorflow":
        raise TinykitError(
            f"KERAS_BACKEND is {chosen}, tinykit converts from tensorflow", "unset KERAS_BACKEND"
        )
    try:
        with quiet():
            import keras
            import tensorflow

            tensorflow.get_logger().setLevel("ERROR")
            tensorflow.zeros(1)  # the first operation starts the devices, which report themselves
    except ModuleNotFoundError as error:
        raise MissingToolError(f"{error.name} is not installed", INSTALL) from error
    return keras


def import_tensorflow() -> Any:
    """Return the module `tensorflow`; raises as `import_keras` does."""
    import_keras()
    import tensorflow

    return tensorflow
