"""Tensors of which any is repeated over the others, NumPy's way."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tinykit.codegen.access import Access, Steps, apart, copied_first, one_by_one
from tinykit.codegen.layer import Field, RefusedError, Table
from tinykit.core.graph import Tensor

_MOST_DIMENSIONS = 6  # of TFLM's RuntimeShape
_MOST_TRACED = 1 << 18  # outputs; larger ones fit few microcontrollers, and tracing takes memory


@dataclass(frozen=True, slots=True)
class Broadcast:
    """Hold how a kernel walks through its inputs.

    Attributes:
        row: outputs that it writes in one go.
        steps: how many bytes each input moves from one output to the next: those of a value, or 0
            where it is repeated.
        loops: around the rows, the innermost first: rounds, and how far each input moves in one.
    """

    row: int
    steps: tuple[int, ...]
    loops: tuple[tuple[int, ...], ...]

    def field(self, layer: str) -> Field:
        """Return the member `shape` of a kernel's record."""
        return ("shape", self.members(layer))

    def members(self, layer: str) -> tuple[Field, ...]:
        """Return the members of a tk_broadcast."""
        a_step, b_step = self.steps
        return (
            ("row", self.row),
            ("a_step", a_step),
            ("b_step", b_step),
            ("loops", len(self.loops)),
            ("loop", f"{layer}_loop" if self.loops else "0"),
        )

    def tables(self) -> tuple[Table, ...]:
        """Return the loops as the kernel reads them."""
        if not self.loops:
            return ()
        return (Table("loop", np.array(self.loops, np.uint32), "indices"),)


def broadcast(left: Tensor, right: Tensor, target: Tensor) -> Broadcast:
    """Prove the shapes of an operator of two tensors and find its walk."""
    return walk((left, right), target)


def walk(sources: Sequence[Tensor], target: Tensor) -> Broadcast:
    """Prove the shapes and find the fewest loops: neighbouring axes that move alike are one."""
    rank = len(target.shape)
    if max(rank, *(len(source.shape) for source in sources)) > _MOST_DIMENSIONS:
        raise RefusedError(f"has {target.shape}, more than 6 dimensions", "merge dimensions")
    try:
        shape = np.broadcast_shapes(*(source.shape for source in sources))
    except ValueError:
        shape = None
    if shape != target.shape:
        names = " and ".join(str(source.shape) for source in sources)
        raise RefusedError(
            f"combines {names} to {target.shape}", "use shapes that broadcast as in NumPy"
        )
    shapes = [_padded(source.shape, rank) for source in sources]
    axes = [
        (size, tuple(shape[axis] > 1 for shape in shapes))
        for axis, size in enumerate(target.shape)
        if size > 1
    ]
    return _walk(axes, [_width(source) for source in sources])


def refuse_repeated_beyond(most: int, sources: Sequence[Tensor], target: Tensor) -> None:
    """Raise if shapes differ where TFLM repeats tensors of so many dimensions only."""
    if len(target.shape) > most and any(s.shape != target.shape for s in sources):
        raise RefusedError(
            f"repeats values to {target.shape}, TFLM to at most {most} dimensions",
            "merge dimensions",
        )


def access(*tensors: Tensor) -> tuple[Access, ...]:
    """Return how far the output, the last one, may lie over each input; kernels go forward only."""
    return tuple(_access(source, tensors[-1]) for source in tensors[:-1])


def _access(source: Tensor, target: Tensor) -> Access:
    read_width, width = _width(source), _width(target)
    if source.elements == target.elements and read_width == width:
        return one_by_one(source.bytes)
    if target.elements > _MOST_TRACED:
        return apart(source.bytes, target.bytes)
    numbers = np.arange(source.elements, dtype=np.int64).reshape(source.shape)
    read = np.broadcast_to(numbers, target.shape).ravel() * read_width
    steps = Steps(read, read + read_width, width)
    return Access(copied_first(steps).forward, source.bytes)


def _width(tensor: Tensor) -> int:
    return np.dtype(tensor.dtype).itemsize


def _padded(shape: tuple[int, ...], rank: int) -> tuple[int, ...]:
    return (1,) * (rank - len(shape)) + shape


_Axis = tuple[int, tuple[bool, ...]]  # its length, and which inputs move along it


def _walk(axes: list[_Axis], widths: list[int]) -> Broadcast:
    merged: list[_Axis] = []
    for size, moves in reversed(axes):
        if merged and merged[-1][1] == moves:
            merged[-1] = (merged[-1][0] * size, moves)
        else:
            merged.append((size, moves))
    if not merged:
        return Broadcast(1, tuple(widths), ())
    row, moves = merged[0]
    steps = tuple(width if move else 0 for width, move in zip(widths, moves, strict=True))
    behind = [row * width if move else width for width, move in zip(widths, moves, strict=True)]
    loops = []
    for size, moves in merged[1:]:
        loops.append((size, *(n if move else 0 for n, move in zip(behind, moves, strict=True))))
        behind = [n * (size if move else 1) for n, move in zip(behind, moves, strict=True)]
    return Broadcast(row, steps, tuple(loops))
