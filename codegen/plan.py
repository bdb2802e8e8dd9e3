"""Place every tensor and scratch buffer in one arena, so that nothing is overwritten too early.

Each buffer is an interval of layers and a number of bytes. Those that live at the same time lie
apart, but a layer's output may lie over an input that dies there, as far as the layer's kernel
allows (codegen/access.py). codegen/place.py finds the offsets.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tinykit.codegen.access import Access
from tinykit.codegen.lower import Program
from tinykit.codegen.place import Interval, Problem, place

_ALIGNMENT = {"int16": 2, "float32": 4, "int32": 4}  # by dtype, of tensors


@dataclass(frozen=True, slots=True)
class Slot:
    """Hold a buffer's place.

    Attributes:
        name: the tensor's layer, or its layer and "scratch".
        tensors: the numbers of the tensors that live here: one, and its views; empty for
            scratch.
        bytes, offset: in the arena.
        first, last: the layers between which its contents must stay, inclusive; -1 is before the
            first layer, the number of layers is after the last.
        alignment: of the offset.
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
        least_bytes: what the layer that needs most needs alone; no plan can be smaller.
        proven: no plan is smaller, since it needs the least, or since all others were looked at.
        offsets: the place of each tensor in the arena.
        scratch: the place of each layer's scratch buffer, None where it has none.
        backward: for each layer, whether its kernel must go from the last position to the first.
    """

    slots: tuple[Slot, ...]
    arena_bytes: int
    least_bytes: int
    proven: bool
    offsets: dict[int, int]
    scratch: tuple[int | None, ...]
    backward: tuple[bool, ...]


Overlaps = dict[tuple[int, int], Access]  # by the numbers of the output's and the input's slot


def plan(program: Program, keep_input: bool = False) -> Plan:
    """Place everything.

    Args:
        program: the kernel calls.
        keep_input: leave the inputs as they are, so that they can be used after inference.
    """
    slots = [*_tensor_slots(program, keep_input), *_scratch_slots(program)]
    overlaps = _overlaps(program, slots)
    problem = _problem(slots, overlaps)
    found = place(problem, _orders(slots))
    placed = [replace(slot, offset=at) for slot, at in zip(slots, found.offsets, strict=True)]
    offsets = {number: slot.offset for slot in placed for number in slot.tensors}
    by_layer = {slot.first: slot.offset for slot in placed if not slot.tensors}
    return Plan(
        slots=tuple(sorted(placed, key=lambda slot: (slot.first, slot.offset, slot.last))),
        arena_bytes=problem.height(found.offsets),
        least_bytes=problem.least,
        proven=found.proven,
        offsets=offsets,
        scratch=tuple(by_layer.get(i) for i in range(len(program.layers))),
        backward=_directions(placed, overlaps, len(program.layers)),
    )


def _tensor_slots(program: Program, keep_input: bool) -> list[Slot]:
    first, last = _lives(program, keep_input)
    slots = []
    for root in sorted(first):
        tensor = program.graph.tensors[root]
        slots.append(
            Slot(
                name=_label(program, root),
                tensors=tuple(sorted(n for n, r in program.storage.items() if r == root)),
                bytes=tensor.bytes,
                first=first[root],
                last=last[root],
                alignment=_ALIGNMENT.get(tensor.dtype, 1),
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
            if number in program.storage:
                first.setdefault(number, index)
                last[number] = index
    for number in program.graph.outputs:
        last[program.storage[number]] = end
    return first, last


def _scratch_slots(program: Program) -> list[Slot]:
    return [
        Slot(
            f"{layer.name}, scratch",
            (),
            layer.scratch_bytes,
            index,
            index,
            alignment=layer.scratch_alignment,
        )
        for index, layer in enumerate(program.layers)
        if layer.scratch_bytes
    ]


def _label(program: Program, number: int) -> str:
    for layer in program.layers:
        if number in layer.outputs:
            return layer.name
    position = program.graph.inputs.index(number)
    return "input" if len(program.graph.inputs) == 1 else f"input {position}"


def _overlaps(program: Program, slots: Sequence[Slot]) -> Overlaps:
    """Return where an output may overlap an input: the input dies in the layer that writes it."""
    slot_of = {number: i for i, slot in enumerate(slots) for number in slot.tensors}
    found: Overlaps = {}
    for index, layer in enumerate(program.layers):
        if len(layer.outputs) != 1 or layer.outputs[0] not in slot_of:
            continue
        target = slot_of[layer.outputs[0]]
        if slots[target].first != index:
            continue  # earlier layers have written other parts of it, while the input was alive
        read = {slot_of[number] for number in layer.inputs if number in slot_of}
        for number, access in zip(layer.inputs, layer.access, strict=False):
            source = slot_of.get(number)
            if source is None or slots[source].last != index:
                continue
            # a kernel has one direction: with several inputs it is forward
            behind = access.backward if len(read) == 1 else slots[source].bytes
            other = found.get((target, source), Access(access.forward, behind))
            found[target, source] = Access(
                max(access.forward, other.forward),
                max(behind, other.backward),
                access.in_place and len(read) == 1,
            )
    return found


def _directions(placed: Sequence[Slot], overlaps: Overlaps, layers: int) -> tuple[bool, ...]:
    """Tell which layers' kernels must go backward, from where their tensors lie."""
    backward = [False] * layers
    for (target, source), access in overlaps.items():
        read, written = placed[source], placed[target]
        apart = (
            written.offset >= read.offset + read.bytes
            or read.offset >= written.offset + written.bytes
        )
        if access.in_place and written.offset == read.offset:
            continue
        if not apart and written.offset > read.offset - access.forward:
            backward[written.first] = True
    return tuple(backward)


def _problem(slots: Sequence[Slot], overlaps: Overlaps) -> Problem:
    closed: list[dict[int, tuple[Interval, ...]]] = [{} for _ in slots]
    for one, slot in enumerate(slots):
        for other, rival in enumerate(slots):
            if one != other and rival.first <= slot.last and slot.first <= rival.last:
                closed[one][other] = _closed(slots, one, other, overlaps)
    return Problem(
        sizes=tuple(slot.bytes for slot in slots),
        alignments=tuple(slot.alignment for slot in slots),
        closed=tuple(closed),
        least=_least(slots, overlaps),
    )


def _closed(
    slots: Sequence[Slot], one: int, other: int, overlaps: Overlaps
) -> tuple[Interval, ...]:
    """Return how far a buffer must not lie behind another that lives at the same time."""
    as_output, as_input = overlaps.get((one, other)), overlaps.get((other, one))
    low, high, in_place = -slots[one].bytes, slots[other].bytes, False
    if as_output is not None:
        low, high, in_place = -as_output.forward, as_output.backward, as_output.in_place
    elif as_input is not None:
        low, high, in_place = -as_input.backward, as_input.forward, as_input.in_place
    return ((low, 0), (0, high)) if in_place and low < 0 < high else ((low, high),)


def _orders(slots: Sequence[Slot]) -> list[list[int]]:
    """Return orders that promise something."""
    keys: tuple[Callable[[Slot], tuple[int, ...]], ...] = (
        lambda s: (-s.bytes, s.first, s.last),
        lambda s: (s.first - s.last, -s.bytes, s.first),
        lambda s: (s.first, -s.bytes, s.last),
        lambda s: (-s.first, -s.bytes, s.last),
        lambda s: (-s.bytes * (s.last - s.first + 1), s.first, s.last),
    )
    return [sorted(range(len(slots)), key=lambda i: key(slots[i])) for key in keys]


def _least(slots: Sequence[Slot], overlaps: Overlaps) -> int:
    """Return the most that one moment needs, its output over an input as far as allowed."""
    return max(_moment(slots, overlaps, moment) for moment in {slot.first for slot in slots})


def _moment(slots: Sequence[Slot], overlaps: Overlaps, moment: int) -> int:
    alive = {i for i, slot in enumerate(slots) if slot.first <= moment <= slot.last}
    total = sum(slots[i].bytes for i in alive)
    savings = [0]
    for (target, source), access in overlaps.items():
        if target in alive and source in alive:
            output, read = slots[target].bytes, slots[source].bytes
            over = min(
                max(output, read + max(access.forward, 0)),
                max(read, output + max(access.backward, 0)),
                max(output, read) if access.in_place else output + read,
            )
            savings.append(output + read - over)
    return total - sum(savings)
