"""In which order a kernel reads its input and writes its output, and so how far they may overlap.

A kernel goes through its output positions in order. Its output may lie over its input as long as no
byte is written that is still to be read (diagonal memory optimisation, Blacker et al. 2020). With
`src` and `dst` the places of both in the arena, going

    forward   is safe if dst <= src - forward
    backward  is safe if dst >= src + backward

Both numbers are least; either may be negative. A kernel that cannot go backward has backward =
the size of the input: that is, lying behind it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Access:
    """Hold the two distances, in bytes.

    Attributes:
        forward, backward: as above.
        in_place: the output may also start exactly where the input does.
    """

    forward: int
    backward: int
    in_place: bool = False

    def allows(self, src: int, dst: int) -> bool:
        """Tell whether the kernel may work with its tensors at these places."""
        if self.in_place and dst == src:
            return True
        return dst <= src - self.forward or dst >= src + self.backward


def apart(src_bytes: int, dst_bytes: int) -> Access:
    """Return the access of a kernel whose tensors must not overlap."""
    return Access(dst_bytes, src_bytes)


def one_by_one(src_bytes: int) -> Access:
    """Return the access of a kernel that reads each byte before it writes that place."""
    return Access(0, src_bytes)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """Hold what each output position reads and writes, in bytes from the tensors' starts.

    Attributes:
        low, high: the first byte that a position reads, and the byte behind the last, (positions,).
        written: how many bytes each position writes.
    """

    low: Ints
    high: Ints
    written: int


def copied_first(steps: Steps) -> Access:
    """Return the access of a kernel that copies what a position reads before it writes."""
    starts = np.arange(len(steps.low), dtype=np.int64) * steps.written
    still_low = np.minimum.accumulate(steps.low[::-1])[::-1]
    still_high = np.maximum.accumulate(steps.high)
    # behind the last position nothing is read, so one position bounds nothing
    forward = np.max((starts + steps.written)[:-1] - still_low[1:], initial=_UNBOUND)
    backward = np.max(still_high[:-1] - starts[1:], initial=_UNBOUND)
    return Access(_bounded(forward, steps), _bounded(backward, steps))


def copied_in_tiles(steps: Steps, tile: int) -> Access:
    """Return the access of a kernel that copies what a tile of positions reads before it writes.

    Args:
        steps: the positions.
        tile: how many positions are one; the kernel's last tile may be smaller.
    """
    positions = len(steps.low)
    least = -int(steps.high.max())
    ahead = np.arange(0, positions, tile)
    still_low = np.minimum.accumulate(np.minimum.reduceat(steps.low, ahead)[::-1])[::-1]
    forward = np.max(ahead[1:] * steps.written - still_low[1:], initial=least)
    back = np.unique(np.maximum(positions - tile - ahead, 0))
    still_high = np.maximum.accumulate(np.maximum.reduceat(steps.high, back))
    backward = np.max(still_high[:-1] - back[1:] * steps.written, initial=least)
    return Access(int(forward), int(backward))


def read_while_writing(steps: Steps, lag: int) -> Access:
    """Return the access of a kernel that still reads a position's input while it writes.

    Args:
        steps: the positions.
        lag: how many bytes of a position may be written while its first byte is still to be read.
    """
    starts = np.arange(len(steps.low), dtype=np.int64) * steps.written
    still_low = np.minimum.accumulate(steps.low[::-1])[::-1]
    still_high = np.maximum.accumulate(steps.high)
    later = np.max((starts + steps.written)[:-1] - still_low[1:], initial=_UNBOUND)
    forward = max(int(later), int(np.max(starts - still_low)) + lag)
    return Access(forward, int(np.max(still_high - starts)))


def by_fours(steps: Steps) -> Access:
    """Return the access of a kernel that takes a position's outputs, a byte each, by fours.

    A four reads the position's whole input before it writes; the last one starts at the fourth
    output from the end. Fewer outputs than four are taken one by one.
    """
    outputs = steps.written
    if outputs in (1, 4):
        return copied_first(steps)
    return read_while_writing(steps, outputs - 1 if outputs < 4 else (outputs - 1) // 4 * 4)


def forward_only(access: Access, src_bytes: int) -> Access:
    """Return the access of a kernel that cannot go backward."""
    return Access(access.forward, max(src_bytes, access.backward))


def converted(count: int, read: int, written: int) -> Access:
    """Return the access of a kernel that goes forward through values of one width and another."""
    starts = np.arange(count, dtype=np.int64) * read
    return forward_only(copied_first(Steps(starts, starts + read, written)), count * read)


def moved(reads: Ints, writes: Ints, run: int) -> Access:
    """Return the access of a kernel that moves runs of bytes, byte by byte.

    Args:
        reads: where each run is read, in the order of going forward; -1 where nothing is.
        writes: where each run is written.
        run: bytes of a run; going backward, it is moved from its end too.
    """
    filled = reads < 0
    still_low = np.minimum.accumulate(np.where(filled, -_UNBOUND, reads)[::-1])[::-1]
    still_high = np.maximum.accumulate(np.where(filled, _UNBOUND, reads))
    forward = np.max(np.maximum.accumulate(writes)[:-1] - still_low[1:], initial=_UNBOUND) + run
    backward = np.max(still_high[:-1] - writes[1:], initial=_UNBOUND) + run
    if run > 1:
        forward = max(forward, np.max(np.where(filled, _UNBOUND, writes - reads)))
        backward = max(backward, np.max(np.where(filled, _UNBOUND, reads - writes)))
    least = -(int(reads.max()) + int(writes.max()) + run)
    return Access(max(int(forward), least), max(int(backward), least))


_UNBOUND = -(1 << 40)


def _bounded(distance: np.int64, steps: Steps) -> int:
    """Keep a distance of a single position within the tensors."""
    least = -int(steps.high.max())
    return max(int(distance), least)
