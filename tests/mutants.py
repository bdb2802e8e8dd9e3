"""Damage .tflite files: bytes anywhere, the end, or fields that decide what a model means."""

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import tflite

from tinykit.codegen.ops.table import KINDS

_WORDS = (0, 1, 255, 65535, 70000, 1 << 20, 1 << 28, 2**31 - 1, 2**31, 2**32 - 1, 0x7F800000)
_LENGTHS = (-(2**31), -7, -1, 0, 1, 2, 3, 4, 5, 255, 65535, 65536, 1 << 20, 2**31 - 1)
_FLOATS = ("nan", "inf", "-inf", "0", "-0", "-1", "1e-45", "1e-30", "0.25", "1", "1e30", "3e38")
_ZEROS = (-(2**63), -(2**31), -129, -128, -1, 0, 1, 127, 128, 2**31, 2**63 - 1)
_COUNTS = (0, 1, 2, 3, 2**16, 2**31, 2**32 - 1)
_CODES = tuple(getattr(tflite.BuiltinOperator, kind) for kind in sorted(KINDS))


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold one number of a file: where it lies, how struct packs it, and what may replace it."""

    what: str
    place: int
    pack: str
    choices: tuple[float, ...]


def damaged(rng: random.Random, data: bytes, slots: tuple[Slot, ...]) -> bytes:
    """Return a file with one to eight numbers or bytes changed, one in ten also cut off."""
    copy = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 8))):
        style = rng.random()
        if style < 0.7 and slots:
            _change(rng, copy, slots)
        elif style < 0.85:
            copy[rng.randrange(len(copy))] = rng.randrange(256)
        else:
            struct.pack_into("<I", copy, rng.randrange(len(copy) // 4) * 4, rng.choice(_WORDS))
    return bytes(copy[: rng.randrange(8, len(copy))]) if rng.random() < 0.1 else bytes(copy)


def _change(rng: random.Random, copy: bytearray, slots: tuple[Slot, ...]) -> None:
    """Change a number of any kind: a file has hundreds of scales, and one type of options."""
    what = rng.choice(sorted({slot.what for slot in slots}))
    same = [slot for slot in slots if slot.what == what]
    slot = rng.choice(same)
    if rng.random() < 0.3:  # what stands in another place of that kind
        other = rng.choice([each for each in same if each.pack == slot.pack])
        size = struct.calcsize(slot.pack)
        copy[slot.place : slot.place + size] = copy[other.place : other.place + size]
        return
    struct.pack_into(slot.pack, copy, slot.place, rng.choice(slot.choices))


def slots_of(data: bytes) -> tuple[Slot, ...]:
    """Return the numbers of a good file that decide what its model means."""
    model = tflite.Model.GetRootAsModel(data, 0)
    graph = model.Subgraphs(0)
    found = list(_graph_slots(model, graph))
    for i in range(graph.TensorsLength()):
        found += _tensor_slots(model, graph.Tensors(i))
    for i in range(graph.OperatorsLength()):
        found += _operator_slots(model, graph, graph.Operators(i))
    for i in range(model.OperatorCodesLength()):
        table = model.OperatorCodes(i)._tab
        old = tuple(code for code in _CODES if code < 128)
        found += _scalar(table, 0, "kind", "<b", old) + _scalar(table, 3, "kind", "<i", _CODES)
    return tuple(found)


def _graph_slots(model: Any, graph: Any) -> Iterator[Slot]:
    tensors = _numbers(graph.TensorsLength())
    for field in (1, 2):
        yield from _vector(graph._tab, field, "port", "<i", tensors)
    for table, field in ((graph._tab, 0), (graph._tab, 3), (model._tab, 1), (model._tab, 4)):
        yield from _length(table, field, "count")


def _tensor_slots(model: Any, tensor: Any) -> list[Slot]:
    table = tensor._tab
    found = _vector(table, 0, "length", "<i", _LENGTHS)
    found += _scalar(table, 1, "type", "<b", tuple(range(-1, 20)))
    found += _scalar(table, 2, "buffer", "<I", (*_numbers(model.BuffersLength())[2:], 0))
    found += _scalar(table, 5, "variable", "<b", (0, 1))
    found += _length(table, 0, "rank")
    scaled = tensor.Quantization()
    if scaled is not None:
        floats = tuple(float(text) for text in _FLOATS)
        found += _vector(scaled._tab, 2, "scale", "<f", floats)
        found += _vector(scaled._tab, 3, "zero point", "<q", _ZEROS)
        found += _length(scaled._tab, 2, "scales") + _length(scaled._tab, 3, "zero points")
        found += _scalar(scaled._tab, 6, "axis of scales", "<i", (-1, 0, 1, 3, 4, 2**31 - 1))
    data = model.Buffers(tensor.Buffer())._tab
    found += _length(data, 0, "bytes")
    if tensor.Type() == tflite.TensorType.INT32 and tensor.Quantization() is None:
        found += _vector(data, 0, "number", "<i", _LENGTHS, 4)
    return found


def _operator_slots(model: Any, graph: Any, operator: Any) -> list[Slot]:
    table = operator._tab
    codes, tensors = _numbers(model.OperatorCodesLength()), _numbers(graph.TensorsLength())
    found = _scalar(table, 0, "code", "<I", codes[2:])
    found += _vector(table, 1, "input", "<i", tensors) + _vector(table, 2, "output", "<i", tensors)
    found += _length(table, 1, "inputs") + _length(table, 2, "outputs")
    found += _scalar(table, 3, "type of options", "<B", tuple(range(120)))
    options = operator.BuiltinOptions()
    return found + (_option_slots(options) if options is not None else [])


def _option_slots(table: Any) -> list[Slot]:
    """Return what lies in a table without looking at its schema: bytes, or whole words."""
    vtable = table.Pos - struct.unpack_from("<i", table.Bytes, table.Pos)[0]
    fields = struct.unpack_from("<H", table.Bytes, vtable)[0] // 2 - 2
    places = sorted(
        table.Pos + offset
        for offset in struct.unpack_from(f"<{fields}H", table.Bytes, vtable + 4)
        if offset
    )
    found = []
    for place in places:
        if place % 4 == 0 and not any(place < other < place + 4 for other in places):
            found += [Slot("option", place, "<i", _LENGTHS)]
            found += [Slot("option", place, "<f", tuple(float(text) for text in _FLOATS))]
        else:
            found += [Slot("option", place, "<B", tuple(range(9)))]
    return found


def _numbers(count: int) -> tuple[int, ...]:
    """Return all numbers below a count, and some that are none."""
    return (-1, -2, *range(count), count, 2**31 - 1)


def _place(table: Any, field: int) -> int:
    offset: int = table.Offset(4 + 2 * field)
    return offset


def _scalar(table: Any, field: int, what: str, pack: str, choices: tuple[float, ...]) -> list[Slot]:
    place = _place(table, field)
    return [Slot(what, table.Pos + place, pack, choices)] if place else []


def _vector(
    table: Any, field: int, what: str, pack: str, choices: tuple[float, ...], size: int = 1
) -> list[Slot]:
    """Return a vector's elements; `size` bytes of a vector of bytes make one."""
    place = _place(table, field)
    if not place:
        return []
    start, step = table.Vector(place), struct.calcsize(pack)
    count = min(table.VectorLen(place) // size, 64)
    return [Slot(what, start + i * step, pack, choices) for i in range(count)]


def _length(table: Any, field: int, what: str) -> list[Slot]:
    place = _place(table, field)
    return [Slot(f"number of {what}", table.Vector(place) - 4, "<I", _COUNTS)] if place else []
