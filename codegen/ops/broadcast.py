"""Two tensors of which either is repeated over the other, NumPy's way."""

from dataclasses import dataclass

import numpy as np

from tinykit.codegen.access import Access, Steps, apart, copied_first, one_by_one
from tinykit.codegen.layer import Field, RefusedError, Table
from tinykit.core.graph import Tensor

_MOST_DIMENSIONS = 6  # of TFLM's RuntimeShape
_MOST_TRACED = 1 << 18  # outputs; larger ones fit few microcontrollers, and tracing takes memory


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Hold how a kernel walks through both inputs.

    Attributes:
        row: outputs that it writes in one go.
        steps: how far each input moves from one output to the next: 1, or 0 where it is repeated.
        loops: around the rows, the innermost first: rounds, and how far each input moves in one.
    """

    row: int
    steps: tuple[int, int]
    loops: tuple[tuple[int, int, int], ...]

    def field(self, layer: str) -> Field:
        """Return the member `shape` of a kernel's record."""
        return ("shape", self.members(layer))

    def members(self, layer: str) -> tuple[Field, ...]:
        """Return the members of a tk_broadcast."""
        return (
            ("row", self.row),
            ("a_step", self.steps[0]),
            ("b_step", self.steps[1]),
            ("loops", len(self.loops)),
            ("loop", f"{layer}_loop" if self.loops else "0"),
        )

    def tables(self) -> tuple[Table, ...]:
        """Return the loops as the kernel reads them."""
        if not self.loops:
            return ()
        return (Table("loop", np.array(self.loops, np.uint32), "indices"),)


def broadcast(left: Tensor, right: Tensor, target: Tensor) -> Broadcast:
    """Prove the shapes and find the fewest loops: neighbouring axes that move alike are one."""
    rank = len(target.shape)
    if max(len(left.shape), len(right.shape), rank) > _MOST_DIMENSIONS:
        raise RefusedError(f"has {target.shape}, more than 6 dimensions", "merge dimensions")
    try:
        shape = np.broadcast_shapes(left.shape, right.shape)
    except ValueError:
        shape = None
    if shape != target.shape:
        raise RefusedError(
            f"combines {left.shape} and {right.shape} to {target.shape}",
            "use shapes that broadcast as in NumPy",
        )
    axes = [
        (size, a > 1, b > 1)
        for size, a, b in zip(
            target.shape, _padded(left.shape, rank), _padded(right.shape, rank), strict=True
        )
        if size > 1
    ]
    return _walk(axes)


def access(left: Tensor, right: Tensor, target: Tensor) -> tuple[Access, Access]:
    """Return how far the output may lie over each input; the kernel goes forward only."""
    return _access(left, target), _access(right, target)


def _access(source: Tensor, target: Tensor) -> Access:
    width = target.bytes // target.elements
    if source.elements == target.elements:
        return one_by_one(source.bytes)
    if target.elements > _MOST_TRACED:
        return apart(source.bytes, target.bytes)
    numbers = np.arange(source.elements, dtype=np.int64).reshape(source.shape)
    read = np.broadcast_to(numbers, target.shape).ravel() * width
    return Access(copied_first(Steps(read, read + width, width)).forward, source.bytes)


def _padded(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (1,) * (rank - len(shape)) + shape


def _walk(axes: list[tuple[int, bool, bool]]) -> Broadcast:
    merged: list[tuple[int, bool, bool]] = []
    for size, a_moves, b_moves in reversed(axes):
        if merged and merged[-1][1:] == (a_moves, b_moves):
            merged[-1] = (merged[-1][0] * size, a_moves, b_moves)
        else:
            merged.append((size, a_moves, b_moves))
    if not merged:
        return Broadcast(1, (1, 1), ())
    row, a_moves, b_moves = merged[0]
    a_next, b_next = row if a_moves else 1, row if b_moves else 1
    loops = []
    for size, a, b in merged[1:]:
        loops.append((size, a_next if a else 0, b_next if b else 0))
        a_next, b_next = a_next * (size if a else 1), b_next * (size if b else 1)
    return Broadcast(row, (int(a_moves), int(b_moves)), tuple(loops))
