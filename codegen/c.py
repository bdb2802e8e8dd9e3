"""How values become C text: the only filters that templates may use for numbers."""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "float32": "float",
    "bool": "uint8_t",
}
_ROW_WIDTH = 96
_INDENT = "    "


def c_type(values: NDArray[np.generic]) -> str:
    """Return the C type of an array's elements."""
    return C_TYPES[values.dtype.name]


def c_rows(values: NDArray[np.generic]) -> str:
    """Lay out an integer array in aligned rows with a trailing comma, without braces."""
    words = [str(int(value)) for value in values.ravel()]
    width = max((len(word) for word in words), default=1)
    per_row = max(1, (_ROW_WIDTH + 1) // (width + 2))
    rows = [words[start : start + per_row] for start in range(0, len(words), per_row)]
    return "\n".join(_INDENT + ", ".join(w.rjust(width) for w in row) + "," for row in rows)


def c_hex(value: int, digits: int = 8) -> str:
    """Write an address or a register value."""
    return f"0x{value:0{digits}x}"


def c_string(text: str) -> str:
    """Write a C string literal; control characters and non-ASCII become octal escapes."""
    return '"' + "".join(_escaped(byte) for byte in text.encode()) + '"'


def c_fields(fields: Sequence[tuple[str, int | str]]) -> str:
    """Lay out designated initialisers, several to a row, with a trailing comma."""
    return wrapped([f".{name} = {value}," for name, value in fields])


def c_arguments(arguments: Iterable[str]) -> str:
    """Join the arguments of a call."""
    return ", ".join(arguments)


def c_struct(values: Sequence[int | str]) -> str:
    """Write one brace-enclosed row."""
    return "{" + ", ".join(str(value) for value in values) + "}"


def wrapped(words: Sequence[str]) -> str:
    """Fill indented lines with words."""
    lines: list[str] = []
    line = _INDENT.rstrip("\n")
    for word in words:
        if len(line) + 1 + len(word) > _ROW_WIDTH and line.strip():
            lines.append(line)
            line = _INDENT
        line += word if line == _INDENT else f" {word}"
    return "\n".join([*lines, line])


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character in '"\\':
        return "\\" + character
    # "??" would be a trigraph in C11
    return character if 0x20 <= byte < 0x7F and character != "?" else f"\\{byte:03o}"
