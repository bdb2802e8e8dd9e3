"""Place every tensor and scratch buffer in one arena, so that what lives together does not overlap.

Each buffer is an interval of layers and a number of bytes. Buffers are placed one after the other,
each at the lowest offset that is free during its whole life; several orders are tried and the
smallest arena wins. A layer that may work in place gets its input's bytes for its output.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

from tinykit.codegen.lower import Program


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold a buffer's place.

    Attributes:
        name: the tensor's layer, or its layer and "scratch".
        tensors: the numbers of the tensors that live here, in order; empty for scratch.
        bytes, offset: in the arena.
        first, last: the layers between which its contents must stay, inclusive; -1 is before the
            first layer, the number of layers is after the last.
    """

    name: str
    tensors: tuple[int, ...]
    bytes: int
    first: int
    last: int
    offset: int = 0
    alignment: int = 1


@dataclass(frozen=True, slots=True)
class Plan:
    """Hold the arena.

    Attributes:
        slots: sorted by first use and offset.
        arena_bytes: the size of the arena.
        least_bytes: the most that lives at once; no plan without overlaps can be smaller.
        offsets: the place of each tensor in the arena.
        scratch: the place of each layer's scratch buffer, None where it has none.
    """

    slots: tuple[Slot, ...]
    arena_bytes: int
    least_bytes: int
    offsets: dict[int, int]
    scratch: tuple[int | None, ...]


def plan(program: Program, keep_input: bool = False) -> Plan:
    """Place everything.

    Args:
        program: the kernel calls.
        keep_input: leave the inputs as they are, so that they can be used after inference.
    """
    tensors = _tensor_slots(program, keep_input)
    scratch = _scratch_slots(program)
    slots = _best([*tensors, *scratch])
    offsets = {number: slot.offset for slot in slots for number in slot.tensors}
    by_layer = {slot.first: slot.offset for slot in slots if not slot.tensors}
    return Plan(
        slots=tuple(sorted(slots, key=lambda slot: (slot.first, slot.offset, slot.last))),
        arena_bytes=max(slot.offset + slot.bytes for slot in slots),
        least_bytes=_least(slots),
        offsets=offsets,
        scratch=tuple(by_layer.get(i) for i in range(len(program.layers))),
    )


def _tensor_slots(program: Program, keep_input: bool) -> list[Slot]:
    first, last = _lives(program, keep_input)
    place = _shared_places(program, first, last)
    slots = []
    for root in sorted(set(place.values())):
        members = sorted((n for n in place if place[n] == root), key=lambda n: (first[n], n))
        tensors = [program.graph.tensors[n] for n in members]
        views = [n for n, root_of in program.storage.items() if root_of in members]
        slots.append(
            Slot(
                name=" = ".join(_label(program, n) for n in members),
                tensors=tuple(sorted({*members, *views})),
                bytes=max(tensor.bytes for tensor in tensors),
                first=min(first[n] for n in members),
                last=max(last[n] for n in members),
                alignment=max(4 if t.dtype in ("float32", "int32") else 1 for t in tensors),
            )
        )
    return slots


def _lives(program: Program, keep_input: bool) -> tuple[dict[int, int], dict[int, int]]:
    """Return the first and the last layer of each stored tensor."""
    end = len(program.layers)
    first = {program.storage[n]: -1 for n in program.graph.inputs}
    last = dict.fromkeys(first, end if keep_input else -1)
    for index, layer in enumerate(program.layers):
        for number in layer.inputs:
            if number in program.storage:
                root = program.storage[number]
                last[root] = max(last[root], index)
        for number in layer.outputs:
            first[number] = last[number] = index
    for number in program.graph.outputs:
        last[program.storage[number]] = end
    return first, last


def _shared_places(program: Program, first: dict[int, int], last: dict[int, int]) -> dict[int, int]:
    """Map each stored tensor to the tensor whose place it takes, working in place where allowed."""
    place = {n: n for n in first}
    ends = dict(last)
    for index, layer in enumerate(program.layers):
        if not layer.in_place or layer.inputs[0] not in program.storage:
            continue
        source = place[program.storage[layer.inputs[0]]]
        target = layer.outputs[0]
        others = {place[program.storage[n]] for n in layer.inputs[1:] if n in program.storage}
        if ends[source] == index and source not in others:
            place[target] = source
            ends[source] = last[target]
    return place


def _scratch_slots(program: Program) -> list[Slot]:
    return [
        Slot(f"{layer.name}, scratch", (), layer.scratch_bytes, index, index)
        for index, layer in enumerate(program.layers)
        if layer.scratch_bytes
    ]


def _label(program: Program, number: int) -> str:
    for layer in program.layers:
        if number in layer.outputs:
            return layer.name
    position = program.graph.inputs.index(number)
    return "input" if len(program.graph.inputs) == 1 else f"input {position}"


def _best(slots: list[Slot]) -> list[Slot]:
    orders: tuple[Callable[[Slot], tuple[int, ...]], ...] = (
        lambda s: (-s.bytes, s.first, s.last),
        lambda s: (s.first - s.last, -s.bytes, s.first),
        lambda s: (s.first, -s.bytes, s.last),
        lambda s: (-s.bytes * (s.last - s.first + 1), s.first, s.last),
    )
    plans = [_placed(sorted(slots, key=order)) for order in orders]
    return min(plans, key=lambda placed: max(slot.offset + slot.bytes for slot in placed))


def _placed(ordered: list[Slot]) -> list[Slot]:
    placed: list[Slot] = []
    for slot in ordered:
        rivals = sorted(
            (s for s in placed if s.first <= slot.last and slot.first <= s.last),
            key=lambda s: s.offset,
        )
        placed.append(replace(slot, offset=_lowest(rivals, slot)))
    return placed


def _lowest(rivals: list[Slot], slot: Slot) -> int:
    offset = 0
    for rival in rivals:
        if rival.offset >= offset + slot.bytes:
            break
        offset = max(offset, -(-(rival.offset + rival.bytes) // slot.alignment) * slot.alignment)
    return offset


def _least(slots: list[Slot]) -> int:
    moments = {slot.first for slot in slots}
    return max(sum(s.bytes for s in slots if s.first <= m <= s.last) for m in moments)
