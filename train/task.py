"""Load a task, built in or from a user's Python file: a network, its data, how to train it.

A task is a Python file with two functions:

    build_model()   returns a Keras model with one input and one output
    load_data()     returns the samples (see `tinykit.train.splits`); if it takes a parameter it is
                    given a seeded `numpy.random.Generator`

and, where the defaults do not suit, any of the constants in `Settings`, in capitals:
`EPOCHS = 40`, `LABELS = ("cat", "dog")`. The built-in tasks are such files.
"""

import contextlib
import importlib.util
import inspect
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass, fields
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import numpy as np

from tinykit.core.errors import TinykitError
from tinykit.train.backend import import_keras
from tinykit.train.splits import Splits, splits_from

_T = TypeVar("_T")

BUILT_IN = ("digits", "life", "sine", "digits_large", "life_small", "life_two")
CHOICES = {"prune_scope": ("global", "layer"), "prune_schedule": ("cubic", "constant")}
PRIVATE_NAME = "_tinykit_user_task"  # so that a user's train.py shadows no room
EXPECTED = "a task file defines build_model() and load_data(), see the README"


@dataclass(frozen=True, slots=True)
class Settings:
    """Hold how a task is trained and pruned.

    Attributes:
        epochs: passes over the training split.
        batch_size: samples a step.
        learning_rate: Adam's, at the start; it falls to zero along a cosine.
        loss: a Keras loss by name; empty to infer it from the outputs and labels.
        labels: the names of the classes, in order.
        sparsity: the share of zeros to prune to.
        prune_scope: "global" or "layer", where the threshold applies.
        prune_schedule: "cubic", or "constant", where zeros may come back.
        prune_epochs: passes over the training split while pruning.
        prune_tries: how often it is pruned at most, until nothing is lost.
        prune_fresh_epochs: passes that train another network anew before every try but the first.
        prune_learning_rate: Adam's while pruning.
        teacher_share: how much the dense network's answers count for while pruning.
        begins_with: another task, which is trained first; its network is given to the function
            begin_from(model, earlier). Empty for none.
    """

    epochs: int = 30
    batch_size: int = 32
    learning_rate: float = 2e-3
    loss: str = ""
    labels: tuple[str, ...] = ()
    sparsity: float = 0.9
    prune_scope: str = "global"
    prune_schedule: str = "cubic"
    prune_epochs: int = 30
    prune_tries: int = 1
    prune_fresh_epochs: int = 0
    prune_learning_rate: float = 2e-3
    teacher_share: float = 0.0
    begins_with: str = ""


@dataclass(frozen=True, slots=True)
class Task:
    """Hold one task.

    Attributes:
        name: the built-in name, or the file's without its suffix.
        where: what to call its source in messages.
        module: the Python file, loaded.
        settings: how to train and prune it.
    """

    name: str
    where: str
    module: ModuleType
    settings: Settings

    def build_model(self) -> Any:
        """Build the network, untrained."""
        keras = import_keras()
        model = _call_user(self, self.module.build_model)
        if not isinstance(model, keras.Model):
            raise TinykitError(
                f"{self.where}: build_model() returned {type(model).__name__}, not a keras.Model",
                "import keras (not tf_keras) and return the model",
            )
        return model

    def begin_from(self, model: Any, earlier: Any) -> None:
        """Set the weights of the network by those of the task that this one begins with."""
        _call_user(self, lambda: self.module.begin_from(model, earlier))

    def load_data(self, rng: np.random.Generator) -> Splits:
        """Load or generate the three splits."""
        function = self.module.load_data
        wants_rng = len(inspect.signature(function).parameters) > 0
        given = _call_user(self, (lambda: function(rng)) if wants_rng else function)
        return splits_from(given, self.where, self.settings.labels, rng)


def load_task(name_or_path: str) -> Task:
    """Load a built-in task by its name, or a user's by the path of its Python file.

    Raises:
        TinykitError: no such task or file, the file does not run, or it lacks a function.
    """
    if name_or_path in BUILT_IN:
        module = importlib.import_module(f"tinykit.train.{name_or_path}")
        return _task(name_or_path, name_or_path, module)
    path = Path(name_or_path)
    if path.suffix != ".py":
        raise TinykitError(
            f"{name_or_path} is neither a built-in task nor a .py file",
            f"built-in tasks: {', '.join(BUILT_IN)}; or {EXPECTED}",
        )
    if not path.is_file():
        raise TinykitError(f"{name_or_path} does not exist", EXPECTED)
    import_keras()  # silently, before the user's own import of it makes noise
    return _task(path.stem, str(path), load_python(path, PRIVATE_NAME))


def load_python(path: Path, name: str) -> ModuleType:
    """Run a user's Python file as the module `name`; what it prints goes to stderr.

    Raises:
        TinykitError: it raises, with the line in the user's file.
    """
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None and spec.loader is not None
    loader = spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # dataclasses and Keras look their module up
    _run_user(path, lambda: loader.exec_module(module))
    return module


def _task(name: str, where: str, module: ModuleType) -> Task:
    functions = ["build_model", "load_data"]
    if getattr(module, "BEGINS_WITH", ""):
        functions.append("begin_from")
    for function in functions:
        if not callable(getattr(module, function, None)):
            raise TinykitError(f"{where} has no function {function}()", EXPECTED)
    return Task(name, where, module, _settings(module, where))


def _settings(module: ModuleType, where: str) -> Settings:
    default = Settings()
    values: dict[str, Any] = {}
    for field in fields(Settings):
        given = getattr(module, field.name.upper(), getattr(default, field.name))
        values[field.name] = _setting(field.name, given, getattr(default, field.name), where)
    settings = Settings(**values)
    if settings.sparsity >= 1:
        raise TinykitError(
            f"{where}: SPARSITY is {settings.sparsity:g}", "for example SPARSITY = 0.9"
        )
    for name, known in CHOICES.items():
        given = getattr(settings, name)
        if given not in known:
            raise TinykitError(
                f"{where}: {name.upper()} is {given!r}", f"one of {', '.join(known)}"
            )
    return settings


def _setting(name: str, given: object, default: object, where: str) -> object:
    if isinstance(default, tuple) and isinstance(given, (list, tuple)):
        return tuple(str(label) for label in given)
    if isinstance(default, float) and isinstance(given, int) and not isinstance(given, bool):
        given = float(given)
    if type(given) is not type(default) or (
        isinstance(given, (int, float)) and given <= 0 and default != 0
    ):
        raise TinykitError(
            f"{where}: {name.upper()} is {given!r}", f"for example {name.upper()} = {default!r}"
        )
    return given


def _call_user(task: Task, function: Callable[[], Any]) -> Any:
    if task.where in BUILT_IN:
        return function()
    return _run_user(Path(task.where), function)


def _run_user(path: Path, function: Callable[[], _T]) -> _T:
    """Call into a user's file: its prints go to stderr, its exceptions become one line."""
    try:
        with contextlib.redirect_stdout(sys.stderr):
            return function()
    except TinykitError:
        raise
    except Exception as error:
        line = _line_in(path, error)
        place = f"{path}:{line}" if line else str(path)
        text = " ".join(str(error).split())
        raise TinykitError(
            f"{place}: {type(error).__name__}: {text}".removesuffix(": "),
            f"run it alone to see where: python {path}",
        ) from error


def _line_in(path: Path, error: Exception) -> int | None:
    if isinstance(error, SyntaxError) and error.lineno is not None:
        return error.lineno
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if Path(frame.filename).resolve() == path.resolve()]
    return lines[-1] if lines else None
