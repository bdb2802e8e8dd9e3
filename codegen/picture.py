"""Draw what lies where in the arena, and when, so that a person sees what to shrink."""

from dataclasses import dataclass

from tinykit.codegen.lower import Program
from tinykit.codegen.plan import Plan, Slot
from tinykit.codegen.render import render
from tinykit.core.units import grouped

_LEFT, _TOP, _STEP, _HEIGHT, _BELOW = 70, 34, 44, 420, 130
_COLOURS = ("#7aa6c2", "#8fbf9f", "#d9b26f", "#c28f8f", "#a898c8", "#9fb0b8")
_SCRATCH = "#d8d8d8"
_LABEL_FROM = 13  # pixels that a rectangle needs to carry its name


@dataclass(frozen=True, slots=True)
class Box:
    """Hold one rectangle of the drawing, in pixels."""

    x: int
    y: int
    width: int
    height: int
    colour: str
    label: str
    title: str
    label_x: int
    label_y: int


@dataclass(frozen=True, slots=True)
class Mark:
    """Hold one label of an axis."""

    x: int
    y: int
    text: str


def plan_svg(program: Program, plan: Plan, name: str, version: str) -> str:
    """Draw the plan: layers from left to right, bytes of the arena from bottom to top."""
    layers = len(program.layers)
    names = ["in", *(layer.name for layer in program.layers)]
    return render(
        "plan.svg.j2",
        name=name,
        version=version,
        width=_LEFT + _STEP * (layers + 2),
        height=_TOP + _HEIGHT + _BELOW,
        title=f"{name}: {grouped(plan.arena_bytes)} bytes of arena, {_bound(plan)}",
        boxes=[_box(plan, slot, i, layers) for i, slot in enumerate(plan.slots)],
        bytes_marks=[
            Mark(_LEFT - 8, _y(plan, count) + 4, grouped(count)) for count in _ticks(plan)
        ],
        layer_marks=[
            Mark(_LEFT + _STEP * i + _STEP // 2, _TOP + _HEIGHT + 12, text)
            for i, text in enumerate(names)
        ],
    )


def _bound(plan: Plan) -> str:
    if plan.proven:
        return "no plan is smaller"
    return f"at least {grouped(plan.least_bytes)} needed"


def _box(plan: Plan, slot: Slot, number: int, layers: int) -> Box:
    last = min(slot.last, layers - 1)
    top, bottom = _y(plan, slot.offset + slot.bytes), _y(plan, slot.offset)
    height = max(1, bottom - top)
    left = _LEFT + _STEP * (slot.first + 1)
    return Box(
        x=left,
        y=top,
        width=_STEP * (last - slot.first + 1),
        height=height,
        colour=_COLOURS[number % len(_COLOURS)] if slot.tensors else _SCRATCH,
        label=slot.name if height >= _LABEL_FROM else "",
        title=f"{slot.name}: {grouped(slot.bytes)} bytes at {grouped(slot.offset)}",
        label_x=left + 3,
        label_y=top + 11,
    )


def _y(plan: Plan, offset: int) -> int:
    return _TOP + _HEIGHT - round(offset * _HEIGHT / plan.arena_bytes)


def _ticks(plan: Plan) -> list[int]:
    """Return round numbers of bytes up to the arena's size, and that size."""
    step = 1
    while plan.arena_bytes / step > 8:
        step *= 2
    return [*range(0, plan.arena_bytes - step // 2, step), plan.arena_bytes]
