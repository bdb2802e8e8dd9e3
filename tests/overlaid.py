"""Plans made by hand: one layer's output lies as far over its input as its access allows."""

from collections.abc import Iterator
from dataclasses import replace

from tinykit.codegen.access import Access
from tinykit.codegen.compile import Compiled
from tinykit.codegen.emit import emit
from tinykit.codegen.plan import (
    Overlaps,
    Plan,
    Slot,
    _directions,
    _overlaps,
    _scratch_slots,
    _tensor_slots,
)

_APART = 64  # bytes between buffers, a multiple of every alignment


def overlaid(model: Compiled) -> Iterator[tuple[str, Compiled]]:
    """Yield the model once for each way in which a layer may work over its input, with its kernel.

    Args:
        model: compiled; everything else lies apart.
    """
    program = model.program
    slots = [*_tensor_slots(program, keep_input=False), *_scratch_slots(program)]
    overlaps = _overlaps(program, slots)
    for (target, source), access in overlaps.items():
        kernel = program.layers[slots[target].first].kernel
        for distance in _distances(access, slots[source], slots[target]):
            placed = _placed(slots, target, source, distance)
            plan = _plan(model, placed, overlaps)
            files = emit(program, plan, model.name, f"{model.name}.tflite", "0.0.0")
            yield kernel, replace(model, plan=plan, files=files)


def _distances(access: Access, source: Slot, target: Slot) -> list[int]:
    """Return how far the output may begin behind its input at most and at least, if over it."""
    step = max(source.alignment, target.alignment)
    found = {-access.forward // step * step, -(-access.backward // step) * step}
    found |= {0} if access.in_place else set()
    return sorted(d for d in found if -target.bytes < d < source.bytes)


def _placed(slots: list[Slot], target: int, source: int, distance: int) -> list[Slot]:
    placed, end = [], 0
    for number, slot in enumerate(slots):
        beside = slots[target].bytes if number == source else 0
        end += _rounded(beside)
        placed.append(replace(slot, offset=end))
        end += _rounded(slot.bytes + beside)
    placed[target] = replace(placed[target], offset=placed[source].offset + distance)
    return placed


def _rounded(size: int) -> int:
    return size // _APART * _APART + _APART


def _plan(model: Compiled, placed: list[Slot], overlaps: Overlaps) -> Plan:
    layers = model.program.layers
    by_layer = {slot.first: slot.offset for slot in placed if not slot.tensors}
    return Plan(
        slots=tuple(placed),
        arena_bytes=max(slot.offset + slot.bytes for slot in placed),
        least_bytes=0,
        proven=False,
        offsets={number: slot.offset for slot in placed for number in slot.tensors},
        scratch=tuple(by_layer.get(i) for i in range(len(layers))),
        backward=_directions(placed, overlaps, len(layers)),
    )
