"""Write a record as TOML that toml_reader.py reads again."""

import json
from dataclasses import fields, is_dataclass
from typing import Any


def to_toml(record: Any, table: str = "") -> str:
    """Write a dataclass: its values first, then a table for each record in it.

    What is None is left out.
    """
    named = [(field.name, getattr(record, field.name)) for field in fields(record)]
    lines = [f"[{table}]"] if table else []
    lines += [
        f"{name} = {_value(value)}"
        for name, value in named
        if value is not None and not is_dataclass(value)
    ]
    parts = ["".join(f"{line}\n" for line in lines)]
    for name, value in named:
        if is_dataclass(value):
            parts.append(to_toml(value, f"{table}.{name}" if table else name))
    return "\n".join(parts)


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return f"[{', '.join(_value(item) for item in value)}]"
    return json.dumps(value, ensure_ascii=False)  # texts, numbers and truth are as in JSON
