"""Write a record as TOML that toml_reader.py reads again."""

import json
from dataclasses import fields, is_dataclass
from typing import Any


def to_toml(record: Any, table: str = "", *, listed: bool = False) -> str:
    """Write a dataclass: its values first, then a table for each record, or records, in it.

    What is None is left out.

    Args:
        record: the dataclass.
        table: the name of its table; empty at the top.
        listed: it is one of several in an array of tables.
    """
    named = [(field.name, getattr(record, field.name)) for field in fields(record)]
    head = f"[[{table}]]" if listed else f"[{table}]"
    lines = [head] if table else []
    lines += [
        f"{name} = {_value(value)}"
        for name, value in named
        if value is not None and not is_dataclass(value) and not _is_records(value)
    ]
    parts = ["".join(f"{line}\n" for line in lines)]
    for name, value in named:
        path = f"{table}.{name}" if table else name
        if is_dataclass(value):
            parts.append(to_toml(value, path))
        if _is_records(value):
            parts += [to_toml(item, path, listed=True) for item in value]
    return "\n".join(parts)


def _is_records(value: Any) -> bool:
    return isinstance(value, tuple) and bool(value) and is_dataclass(value[0])


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)  # texts, numbers and truth are as in JSON
