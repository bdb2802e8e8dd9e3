"""How values become C text: the only filters that templates may use for numbers."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

C_TYPES = {
    "int8": "int8_t",
    "uint8": "uint8_t",
    "int16": "int16_t",
    "uint16": "uint16_t",
    "int32": "int32_t",
    "uint32": "uint32_t",
    "int64": "int64_t",
    "float32": "float",
    "bool": "uint8_t",
}
_ROW_WIDTH = 96
_INDENT = "    "


def c_type(values: NDArray[np.generic]) -> str:
    """Return the C type of an array's elements."""
    return C_TYPES[values.dtype.name]


def c_rows(values: NDArray[np.generic]) -> str:
    """Lay out an array in aligned rows with a trailing comma, without braces."""
    words = [c_number(value) for value in values.ravel()]
    width = max((len(word) for word in words), default=1)
    per_row = max(1, (_ROW_WIDTH + 1) // (width + 2))
    rows = [words[start : start + per_row] for start in range(0, len(words), per_row)]
    return "\n".join(_INDENT + ", ".join(w.rjust(width) for w in row) + "," for row in rows)


def c_number(value: np.generic) -> str:
    """Write an integer, or a float32 without rounding; C11 has no constant for the others."""
    if not isinstance(value, np.floating):
        return str(int(value))
    if np.isnan(value):
        return '__builtin_nanf("")'
    if np.isinf(value):
        return "__builtin_inff()" if value > 0 else "-__builtin_inff()"
    return f"{float(value).hex()}f"


def c_hex(value: int, digits: int = 8) -> str:
    """Write an address or a register value."""
    return f"0x{value:0{digits}x}"


def c_string(text: str) -> str:
    """Write a C string literal; control characters and non-ASCII become octal escapes."""
    return '"' + "".join(_escaped(byte) for byte in text.encode()) + '"'


def c_fields(fields: Sequence[tuple[str, Any]], indent: int = 1) -> str:
    """Lay out designated initialisers; a value is C text, a number, or members of its own.

    Plain members share rows, a member with members of its own starts one.
    """
    margin = _INDENT * indent
    lines: list[str] = []
    plain: list[str] = []
    for name, value in fields:
        if not isinstance(value, tuple):
            plain.append(f".{name} = {value},")
            continue
        lines += wrapped(plain, margin)
        plain = []
        inner = c_fields(value, indent + 1)
        lines += [f"{margin}.{name} = {{", inner, f"{margin}}},"]
    return "\n".join(lines + wrapped(plain, margin))


def c_arguments(arguments: Iterable[str]) -> str:
    """Join the arguments of a call."""
    return ", ".join(arguments)


def c_row(values: Sequence[int | str]) -> str:
    """Write one row of a table of records."""
    return "{" + ", ".join(str(value) for value in values) + "}"


def wrapped(words: Sequence[str], margin: str) -> list[str]:
    """Fill indented lines with words."""
    lines: list[str] = []
    for word in words:
        if lines and len(lines[-1]) + 1 + len(word) <= _ROW_WIDTH:
            lines[-1] += f" {word}"
        else:
            lines.append(margin + word)
    return lines


def _escaped(byte: int) -> str:
    character = chr(byte)
    if character in '"\\':
        return "\\" + character
    # "??" would be a trigraph in C11
    return character if 0x20 <= byte < 0x7F and character != "?" else f"\\{byte:03o}"
