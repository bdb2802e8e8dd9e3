"""Let layers share tables that are equal, as the steps of an unrolled recurrent layer have them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from tinykit.codegen.layer import Field, Layer

_LEAST_BYTES = 16  # a smaller table is not worth another layer's name


def with_shared_tables(layers: Sequence[Layer]) -> tuple[Layer, ...]:
    """Return the layers, each table only in the first layer that has it."""
    owners: dict[tuple[str, bytes], str] = {}
    shared = []
    for layer in layers:
        kept, names = [], {}
        for table in layer.tables:
            own = f"{layer.name}_{table.name}"
            key = (table.values.dtype.str, table.values.tobytes())
            names[own] = owners.setdefault(key, own) if table.bytes >= _LEAST_BYTES else own
            if names[own] == own:
                kept.append(table)
        shared.append(replace(layer, tables=tuple(kept), fields=renamed(layer.fields, names)))
    return tuple(shared)


def renamed(fields: tuple[Field, ...], names: Mapping[str, str]) -> tuple[Field, ...]:
    """Return the members of a record with other names of its tables."""
    found: list[Field] = []
    for name, value in fields:
        if isinstance(value, tuple):
            found.append((name, renamed(value, names)))
        else:
            found.append((name, names.get(value, value) if isinstance(value, str) else value))
    return tuple(found)
