"""Find offsets for buffers of which some pairs keep their distance, in as few bytes as possible.

Orders are tried in which each buffer goes to the lowest offset that those before it leave free.
Where that does not reach the least that there can be, a branch and bound looks at everything: at
first each buffer lies at 0, then one pair that is too close is moved apart in both ways. It proves
the optimum unless it takes too many steps.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_TRIES, _PATIENCE = 400, 120  # orders, and without a smaller arena
_LONG_TRIES = 4000  # where nothing else helps
_MOST_WORK = 1 << 25  # tries times buffers squared, so that large networks take seconds
_MOST_STEPS = 20_000  # of the branch and bound
_MOST_EDGES = 250  # pairs moved apart at once

Interval = tuple[int, int]
Edge = tuple[int, int, int]  # buffer b lies at least so many bytes behind buffer a


@dataclass(frozen=True, slots=True)
class Problem:
    """Hold what is to be placed.

    Attributes:
        sizes, alignments: of the buffers.
        closed: for each buffer and others, what the difference of their offsets must not be: any of
            these open intervals. It is the same seen from both.
        least: a bound that no height is below.
    """

    sizes: tuple[int, ...]
    alignments: tuple[int, ...]
    closed: tuple[dict[int, tuple[Interval, ...]], ...]
    least: int

    def height(self, offsets: Sequence[int]) -> int:
        """Return the bytes that all buffers take."""
        return max(offset + size for offset, size in zip(offsets, self.sizes, strict=True))


@dataclass(frozen=True, slots=True)
class Placed:
    """Hold offsets, and whether it is known that nothing is lower."""

    offsets: tuple[int, ...]
    proven: bool


def place(problem: Problem, orders: Sequence[Sequence[int]]) -> Placed:
    """Place the buffers, starting from orders that promise something."""
    found = _by_orders(problem, orders, _TRIES, _PATIENCE)
    if problem.height(found) == problem.least:
        return Placed(found, proven=True)
    better = _by_bounds(problem, found)
    if better.proven or len(problem.sizes) ** 2 * _LONG_TRIES > _MOST_WORK:
        return better
    found = _by_orders(problem, orders, _LONG_TRIES, _LONG_TRIES)
    lowest = min(found, better.offsets, key=problem.height)
    return Placed(lowest, problem.height(lowest) == problem.least)


def _by_orders(
    problem: Problem, orders: Sequence[Sequence[int]], tries: int, patience: int
) -> tuple[int, ...]:
    """Try the given orders, then seeded random changes of the best."""
    best, order = min(
        ((_lowest(problem, each), each) for each in orders),
        key=lambda made: problem.height(made[0]),
    )
    height, since, rng = problem.height(best), 0, np.random.default_rng(0)
    for _ in range(tries):
        if height == problem.least or since > patience or len(order) < 3:
            break
        changed = list(order)
        taken = changed.pop(int(rng.integers(len(changed))))
        changed.insert(int(rng.integers(len(changed) + 1)), taken)
        tried = _lowest(problem, changed)
        since += 1
        if problem.height(tried) <= height:
            since = 0 if problem.height(tried) < height else since
            best, order, height = tried, changed, problem.height(tried)
    return best


def _lowest(problem: Problem, order: Sequence[int]) -> tuple[int, ...]:
    """Place one buffer after the other, each at the least offset that is free."""
    offsets: dict[int, int] = {}
    for number in order:
        taken = [
            (offsets[other] + low, offsets[other] + high)
            for other, intervals in problem.closed[number].items()
            if other in offsets
            for low, high in intervals
        ]
        offset, alignment = 0, problem.alignments[number]
        for low, high in sorted(taken):
            if low < offset < high:
                offset = -(-high // alignment) * alignment
        offsets[number] = offset
    return tuple(offsets[number] for number in range(len(order)))


def _by_bounds(problem: Problem, found: tuple[int, ...]) -> Placed:
    """Look at every way to move pairs apart that could lead below what was found."""
    best, steps = found, 0
    pairs = _pairs(problem)
    stack: list[tuple[tuple[int, ...], tuple[Edge, ...]]] = [((0,) * len(found), ())]
    while stack:
        offsets, edges = stack.pop()
        settled = _settled(problem, offsets, edges, problem.height(best))
        if settled is None:
            continue
        steps += 1
        if steps > _MOST_STEPS or len(edges) > _MOST_EDGES:
            return Placed(best, problem.height(best) == problem.least)
        both = _too_close(settled, pairs)
        if both is None:
            best = settled
            if problem.height(best) == problem.least:
                break
        else:  # the one that lifts less is looked at first
            nearer = sorted(both, key=lambda e: settled[e[0]] + e[2] - settled[e[1]], reverse=True)
            stack += [(settled, (*edges, edge)) for edge in nearer]
    return Placed(best, proven=True)


def _pairs(problem: Problem) -> list[tuple[int, int, Interval]]:
    """Return the pairs, those of two large buffers first: they decide most."""
    found = [
        (one, other, interval)
        for one, closed in enumerate(problem.closed)
        for other, intervals in closed.items()
        if one < other
        for interval in intervals
    ]
    return sorted(found, key=lambda p: (-min(problem.sizes[p[0]], problem.sizes[p[1]]), p))


def _too_close(
    offsets: tuple[int, ...], pairs: Sequence[tuple[int, int, Interval]]
) -> tuple[Edge, Edge] | None:
    """Return the two ways to move the first pair apart that is too close."""
    for one, other, (low, high) in pairs:
        if low < offsets[one] - offsets[other] < high:
            return (one, other, -low), (other, one, high)
    return None


def _settled(
    problem: Problem, offsets: tuple[int, ...], edges: tuple[Edge, ...], limit: int
) -> tuple[int, ...] | None:
    """Return the least offsets from these on that all edges allow; None if they reach the limit."""
    settled, changed = list(offsets), True
    while changed:
        changed = False
        for a, b, distance in edges:
            least, alignment = settled[a] + distance, problem.alignments[b]
            if settled[b] < least:
                settled[b] = -(-least // alignment) * alignment
                changed = True
                if settled[b] + problem.sizes[b] >= limit:
                    return None
    return tuple(settled)
