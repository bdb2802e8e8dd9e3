"""Load and save .keras files, with errors a person can act on."""

import re
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from tinykit.core.errors import TinykitError
from tinykit.core.files import atomic_path
from tinykit.train.backend import import_keras
from tinykit.train.task import load_python

MEMBERS = {"config.json", "metadata.json", "model.weights.h5"}
CUSTOM_NAME = "_tinykit_user_layers"
HOW_TO_SAVE = "save it with model.save('name.keras') in Keras 3"


def load_model(path: Path, custom: Path | None = None) -> Any:
    """Load a Keras 3 model with one input and one output.

    Raises:
        TinykitError: as load_any_model, or it has several.
    """
    model = load_any_model(path, custom)
    _refuse_many_ends(path, model)
    return model


def load_any_model(path: Path, custom: Path | None = None) -> Any:
    """Load a Keras 3 model from a .keras file; code stored in the file is never run.

    Args:
        path: the .keras file.
        custom: a Python file that registers the model's own classes.

    Raises:
        TinykitError: no such file, not a whole .keras file, or a class that is not registered.
    """
    refuse_foreign(path)
    keras = import_keras()
    if custom is not None:
        if not custom.is_file():
            raise TinykitError(f"{custom} does not exist", "--custom takes a Python file")
        if custom.suffix != ".py":
            raise TinykitError(f"{custom} is not a .py file", "--custom takes a Python file")
        load_python(custom, CUSTOM_NAME)
    try:
        model = keras.saving.load_model(path, safe_mode=True)
    except Exception as error:
        raise _explain(path, error) from error
    _refuse_broken_weights(path, model)
    return model


def save_model(model: Any, path: Path) -> None:
    """Write a model to a .keras file, whole or not at all."""
    with atomic_path(path) as temporary:
        model.save(temporary)


def refuse_foreign(path: Path) -> None:
    """Raise TinykitError unless a file is a whole .keras file, as far as its outside shows."""
    if path.is_dir():
        raise TinykitError(f"{path} is a folder", "give the name of a .keras file")
    if not path.is_file():
        raise TinykitError(f"{path} does not exist", "give the name of a .keras file")
    if path.suffix != ".keras":
        raise TinykitError(f"{path} is not a .keras file", HOW_TO_SAVE)
    try:
        with zipfile.ZipFile(path) as archive:
            missing = MEMBERS - set(archive.namelist())
            broken = archive.testzip()
    except (zipfile.BadZipFile, EOFError, OSError):
        raise TinykitError(
            f"{path} is not a .keras file, or is cut short ({path.stat().st_size} bytes)",
            HOW_TO_SAVE,
        ) from None
    if missing or broken:
        what = f"lacks {', '.join(sorted(missing))}" if missing else f"has a damaged {broken}"
        raise TinykitError(f"{path} {what}", HOW_TO_SAVE)


def _explain(path: Path, error: Exception) -> TinykitError:
    text = " ".join(str(error).split())
    unknown = re.search(r"Could not locate (?:class|function) '([^']+)'", text)
    if unknown:
        return TinykitError(
            f"{path} has a class of its own, {unknown[1]}, that nothing has registered",
            "decorate it with @keras.saving.register_keras_serializable() and add --custom FILE.py",
        )
    if "ambda" in text and "safe" in text:
        return TinykitError(
            f"{path} holds a Lambda, which is code that loading would run",
            "replace it by a layer with @keras.saving.register_keras_serializable()",
        )
    return TinykitError(
        f"{path} cannot be loaded: {type(error).__name__}: {text[:200]}",
        "load it once with keras.saving.load_model, in the Keras version that saved it",
    )


def _refuse_broken_weights(path: Path, model: Any) -> None:
    for weight in model.weights:
        values = np.asarray(weight)
        if np.issubdtype(values.dtype, np.floating) and not np.all(np.isfinite(values)):
            raise TinykitError(
                f"{path}: the weights {weight.path} hold NaN or infinity",
                "training went astray: train again, perhaps with a lower learning rate",
            )


def _refuse_many_ends(path: Path, model: Any) -> None:
    for name in ("inputs", "outputs"):
        ends = getattr(model, name, None)  # a subclassed model does not know
        if ends and len(ends) != 1:
            raise TinykitError(
                f"{path} has {len(ends)} {name}, this takes models with one",
                "tinykit quantize takes it with an array an input, x0, x1, ..: docs/files.md",
            )
