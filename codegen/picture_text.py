"""Draw what lies where in the arena as text: a line for each layer, a letter for each buffer."""

import string
from dataclasses import dataclass

from tinykit.codegen.lower import Program
from tinykit.codegen.plan import Plan, Slot

FREE, SCRATCH = " ", ":"
_LETTERS = string.ascii_lowercase
_MOST_CELLS = 40


@dataclass(frozen=True, slots=True)
class PlanRow:
    """Hold what the arena holds while a layer runs.

    Attributes:
        layer: its name, "input" before the first.
        writes: the letters of what it writes.
        in_use_bytes: how many bytes are taken.
        cells: the arena from its first byte to its last, each character an equal part: FREE,
            SCRATCH or a buffer's letter, a capital where it is written over an input.
    """

    layer: str
    writes: str
    in_use_bytes: int
    cells: str


def plan_rows(program: Program, plan: Plan) -> tuple[PlanRow, ...]:
    """Draw the plan, the state before the first layer included."""
    tensors = [slot for slot in plan.slots if slot.tensors]
    letters = {slot.tensors: _LETTERS[i % len(_LETTERS)] for i, slot in enumerate(tensors)}
    names = ["input", *(layer.name for layer in program.layers)]
    return tuple(_row(plan, letters, number, name) for number, name in enumerate(names, -1))


def _row(plan: Plan, letters: dict[tuple[int, ...], str], number: int, name: str) -> PlanRow:
    live = [slot for slot in plan.slots if slot.first <= number <= slot.last]
    cells = [FREE] * min(_MOST_CELLS, plan.arena_bytes)
    for place, slot in enumerate(live):  # the newest last
        under = [other for other in live[:place] if _overlap(slot, other)]
        for cell in _reach(slot, plan.arena_bytes, len(cells)):
            mark = letters[slot.tensors] if slot.tensors else SCRATCH
            covers = any(cell in _reach(other, plan.arena_bytes, len(cells)) for other in under)
            cells[cell] = mark.upper() if covers else mark
    return PlanRow(
        layer=name,
        writes="".join(letters[s.tensors] for s in live if s.tensors and s.first == number),
        in_use_bytes=_taken(live),
        cells="".join(cells),
    )


def _reach(slot: Slot, arena_bytes: int, cells: int) -> range:
    """Return the cells of a buffer, at least one."""
    first = min(round(slot.offset * cells / arena_bytes), cells - 1)
    return range(first, max(round((slot.offset + slot.bytes) * cells / arena_bytes), first + 1))


def _overlap(one: Slot, other: Slot) -> bool:
    return one.offset < other.offset + other.bytes and other.offset < one.offset + one.bytes


def _taken(live: list[Slot]) -> int:
    """Count the bytes that any buffer takes."""
    taken = end = 0
    for slot in sorted(live, key=lambda slot: slot.offset):
        behind = slot.offset + slot.bytes
        taken += max(0, behind - max(end, slot.offset))
        end = max(end, behind)
    return taken
