"""Rows of numbers that a user pipes or writes: .npy files, lines of text, a Python generator."""

import io
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError

STDIN = "-"
_MAGIC = b"\x93NUMPY"
_TEXT_HINT = "numbers with commas or spaces between them, one input a line; or a .npy file"


def read_input(name: str) -> NDArray[Any]:
    """Read one array: a .npy file, or from stdin one or text, where each line is a sample.

    Raises:
        TinykitError: no such file, or no array.
    """
    if name == STDIN:
        return _parse(sys.stdin.buffer.read(), "stdin")
    path = Path(name)
    try:
        return _parse(path.read_bytes(), name)
    except OSError as error:
        raise TinykitError(
            f"{name}: {error.strerror}", "numpy.save('x.npy', x) writes one"
        ) from None


def text_rows(stream: Iterable[str], name: str) -> Iterator[NDArray[np.float64]]:
    """Yield the numbers of each line as it comes; empty lines are skipped."""
    for number, line in enumerate(stream, 1):
        if line.strip():
            yield _line(line, f"{name}, line {number}")


def generated_rows(path: Path) -> Iterator[NDArray[Any]]:
    """Yield what the function `rows` of a Python file yields.

    Raises:
        TinykitError: no such file, no such function in it, or an error of theirs.
    """
    from tinykit.train.task import load_python  # whose room takes a moment

    hint = "a Python file with: def rows(): yield array"
    if path.suffix != ".py" or not path.is_file():
        raise TinykitError(f"{path} is no Python file", hint)
    function = getattr(load_python(path, "tinykit_rows"), "rows", None)
    if not callable(function):
        raise TinykitError(f"{path} has no function rows()", hint)
    source = function()
    while True:
        try:
            row = np.asarray(next(source))
        except StopIteration:
            return
        except Exception as error:
            raise TinykitError(f"{path}: rows() raised {error!r}", hint) from error
        yield row


def _parse(data: bytes, name: str) -> NDArray[Any]:
    if data.startswith(_MAGIC):
        return _load(io.BytesIO(data), name)
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        raise TinykitError(f"{name} is neither a .npy file nor text", _TEXT_HINT) from None
    rows = list(text_rows(lines, name))
    if not rows:
        raise TinykitError(f"{name} is empty", _TEXT_HINT)
    if len({row.size for row in rows}) > 1:
        raise TinykitError(f"{name} has lines of {rows[0].size} and of other counts", _TEXT_HINT)
    return np.stack(rows) if len(rows) > 1 else rows[0]


def _load(stream: IO[bytes], name: str) -> NDArray[Any]:
    try:
        array: NDArray[Any] = np.load(stream, allow_pickle=False)
    except (ValueError, EOFError, OSError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TinykitError(f"{name} is no readable .npy file: {reason}", _TEXT_HINT) from None
    return array


def _line(line: str, place: str) -> NDArray[np.float64]:
    words = line.replace(",", " ").split()
    try:
        return np.array([float(word) for word in words])
    except ValueError:
        wrong = next(word for word in words if not _is_number(word))
        raise TinykitError(f"{place}: '{wrong}' is no number", _TEXT_HINT) from None


def _is_number(word: str) -> bool:
    try:
        float(word)
    except ValueError:
        return False
    return True
