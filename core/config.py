"""tinykit.toml: what a project says once, so that commands need not be told again."""

import re
import tomllib
from dataclasses import dataclass, fields
from pathlib import Path

from tinykit.core.budget import Budget, read_budget
from tinykit.core.errors import TinykitError

FILE_NAME = "tinykit.toml"
CHOICES = {
    "optimize": ("size", "balanced", "speed"),
    "encoding": ("auto", "dense", "sparse", "block", "bitmap", "codebook"),
    "toolchain": ("zig", "gcc"),
    "engine": ("native", "tflm"),
}


@dataclass(frozen=True, slots=True)
class Tflm:
    """Hold the table [tflm].

    Attributes:
        tree: a tree of TensorFlow Lite Micro with its library built.
    """

    tree: Path | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """Hold the settings; paths are relative to the file's folder.

    Attributes:
        model: the .tflite file.
        data: the .npz file that `verify` streams.
        board: the board's name.
        boards: a folder with boards of the user's own.
        optimize: "size", "balanced" or "speed".
        encoding: "auto", or one for all layers that have it.
        toolchain: "zig" or "gcc".
        budget: what `check-budget` holds the build to.
        engine: "native" or "tflm".
        tflm: what the tflm engine links with.
    """

    model: Path | None = None
    data: Path | None = None
    board: str | None = None
    optimize: str | None = None
    encoding: str | None = None
    toolchain: str | None = None
    budget: Budget | None = None
    engine: str | None = None
    tflm: Tflm = Tflm()
    boards: Path | None = None


def load_config(folder: Path) -> Config:
    """Read tinykit.toml in a folder; empty settings where there is none.

    Raises:
        TinykitError: no TOML, an unknown key, or a value that is not among the choices; with the
            line.
    """
    path = folder / FILE_NAME
    if not path.is_file():
        return Config()
    text = path.read_text(encoding="utf-8", errors="replace")
    try:
        values = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise TinykitError(f"{FILE_NAME}: {error}", "see docs/tinykit-toml.md") from error
    known = {field.name for field in fields(Config)}
    for key, value in values.items():
        where = f"{FILE_NAME}:{_line(text, key)}"
        if key not in known:
            raise TinykitError(f"{where}: unknown key '{key}'", f"keys: {', '.join(sorted(known))}")
        if key not in ("budget", "tflm"):
            _check(where, key, value)
    return Config(
        **{
            key: folder / value if key in ("model", "data", "boards") else value
            for key, value in values.items()
            if key not in ("budget", "tflm")
        },
        budget=_budget(text, values.get("budget")),
        tflm=_tflm(folder, text, values.get("tflm", {})),
    )


def _budget(text: str, table: object) -> Budget | None:
    if table is None:
        return None
    start = _line(text, "budget")
    if not isinstance(table, dict):
        where = f"{FILE_NAME}:{start}"
        raise TinykitError(f"{where}: budget is {table!r}, not a table", "[budget]")
    return read_budget(table, lambda key: f"{FILE_NAME}:{_line(text, key, start)}")


def _tflm(folder: Path, text: str, table: object) -> Tflm:
    start = _line(text, "tflm")
    if not isinstance(table, dict):
        raise TinykitError(f"{FILE_NAME}:{start}: tflm is {table!r}, not a table", "[tflm]")
    for key, value in table.items():
        where = f"{FILE_NAME}:{_line(text, key, start)}"
        if key != "tree":
            raise TinykitError(f"{where}: unknown key '{key}' in [tflm]", "keys: tree")
        _check(where, key, value)
    return Tflm(folder / table["tree"] if "tree" in table else None)


def _check(where: str, key: str, value: object) -> None:
    if not isinstance(value, str):
        raise TinykitError(f"{where}: {key} is {value!r}, not a text", f'{key} = "..."')
    choices = CHOICES.get(key)
    if choices and value not in choices:
        raise TinykitError(f"{where}: {key} is '{value}'", f"one of: {', '.join(choices)}")


def _line(text: str, key: str, start: int = 1) -> int:
    """Return the line of a key, alone or dotted, from the line `start` on; else `start`."""
    pattern = re.compile(rf'^\s*\[*\s*(?:\w+\s*\.\s*)?["\']?{re.escape(key)}\b')
    lines = list(enumerate(text.splitlines(), start=1))[start - 1 :]
    return next((number for number, line in lines if pattern.match(line)), start)
