"""What people see: messages and progress on stderr, results on stdout, or one JSON object there."""

import json
import shlex
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from typing import Any, Protocol

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)

from tinykit.core.errors import TinykitError


def messages() -> Console:
    """Return the console for messages and progress."""
    return Console(stderr=True, highlight=False, soft_wrap=True)


def results() -> Console:
    """Return the console for results."""
    return Console(highlight=False)


def say(text: str) -> None:
    """Print a message on stderr."""
    messages().print(text, markup=False)


def command(*words: str | Path) -> str:
    """Return a command of ours as a shell takes it."""
    return shlex.join(["tinykit", *map(str, words)])


def show_error(error: TinykitError) -> None:
    """Print what went wrong and what to type next, on stderr."""
    print(f"tinykit: {error.message}\n  hint: {error.hint}", file=sys.stderr)


def print_json(value: object) -> None:
    """Print one JSON object on stdout."""
    print(json.dumps(plain(value)))


def plain(value: object) -> Any:
    """Turn dataclasses, enums and paths into what JSON knows."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return value


class StageProgress(Protocol):
    """Take note of progress in named stages; see train/progress.py."""

    def __call__(self, stage: str, done: float, text: str) -> None:
        """Note that `stage` is `done` (0 to 1), with a short text."""


class CountProgress(Protocol):
    """Take note of progress by counting."""

    def __call__(self, done: int, total: int) -> None:
        """Note that `done` of `total` are done."""


@contextmanager
def stages() -> Iterator[StageProgress]:
    """Draw one bar a stage."""
    with _bars(TextColumn("{task.fields[text]}")) as bars:
        known: dict[str, TaskID] = {}

        def note(stage: str, done: float, text: str) -> None:
            if stage not in known:
                known[stage] = bars.add_task(stage, total=1.0, text="")
            bars.update(known[stage], completed=done, text=text)

        yield note


class TextProgress(Protocol):
    """Take note of progress by counting, with some words."""

    def __call__(self, done: int, total: int, text: str) -> None:
        """Note that `done` of `total` are done."""


@contextmanager
def lively(what: str) -> Iterator[tuple[Callable[[str], None], TextProgress]]:
    """Draw one bar that counts, with words behind it; gives what prints a line above it too."""
    with _bars(MofNCompleteColumn(), TextColumn("{task.fields[text]}")) as bars:
        task = bars.add_task(what, total=0, text="")

        def tell(text: str) -> None:
            if bars.console.is_terminal:
                bars.console.print(text, markup=False)

        def note(done: int, total: int, text: str) -> None:
            bars.update(task, completed=done, total=total, text=text)

        yield tell, note


@contextmanager
def counter(what: str) -> Iterator[CountProgress]:
    """Draw one bar that counts."""
    with _bars(MofNCompleteColumn()) as bars:
        task = bars.add_task(what, total=0)

        def note(done: int, total: int) -> None:
            bars.update(task, completed=done, total=total)

        yield note


def _bars(*behind: ProgressColumn) -> Progress:
    console = messages()
    return Progress(
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        *behind,
        TimeRemainingColumn(),
        console=console,
        transient=True,
        disable=not console.is_terminal,  # a log would get an empty line
    )
