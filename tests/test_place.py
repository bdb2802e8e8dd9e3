"""The optimum that the planner says it has proven is that of trying every offset."""

from itertools import product

import numpy as np
from batch import draw_cases
from flat import to_bytes
from graphs import ALL
from models import compiled

from tinykit.codegen.place import Interval, Problem, place

CASES = 150


def drawn(rng: np.random.Generator) -> Problem:
    """Draw buffers of which some keep apart, some nearly, and some may have the same offset."""
    count = int(rng.integers(2, 5))
    sizes = tuple(int(n) for n in rng.integers(1, 6, count))
    alignments = tuple(int(n) for n in rng.choice([1, 1, 1, 2], count))
    closed: list[dict[int, tuple[Interval, ...]]] = [{} for _ in sizes]
    for one in range(count):
        for other in range(one):
            low, high = -sizes[one], sizes[other]
            if rng.integers(3) == 0:
                low, high = (int(rng.integers(n, n + 6)) for n in (low, high - 5))
            intervals: tuple[Interval, ...] = ((low, high),)
            if low < 0 < high and rng.integers(4) == 0:
                intervals = ((low, 0), (0, high))
            if rng.integers(4):
                closed[one][other] = intervals
                closed[other][one] = tuple((-high, -low) for low, high in intervals)
    return Problem(sizes, alignments, tuple(closed), least=max(sizes))


def allowed(problem: Problem, offsets: tuple[int, ...]) -> bool:
    return not any(
        low < offsets[one] - offsets[other] < high
        for one, closed in enumerate(problem.closed)
        for other, intervals in closed.items()
        for low, high in intervals
    )


def fits(problem: Problem, arena: int) -> bool:
    """Tell whether any offsets at all do, by trying all."""
    places = [
        range(0, arena - size + 1, alignment)
        for size, alignment in zip(problem.sizes, problem.alignments, strict=True)
    ]
    return any(allowed(problem, offsets) for offsets in product(*places))


def test_what_is_proven_is_the_optimum() -> None:
    rng, above = np.random.default_rng(0), 0
    for _ in range(CASES):
        problem = drawn(rng)
        count = len(problem.sizes)
        placed = place(problem, [tuple(range(count)), tuple(range(count))[::-1]])
        height = problem.height(placed.offsets)
        assert allowed(problem, placed.offsets)
        assert all(o % a == 0 for o, a in zip(placed.offsets, problem.alignments, strict=True))
        assert placed.proven and not fits(problem, height - 1)
        above += height > problem.least
    assert above > CASES // 4


def test_nearly_all_random_graphs_have_a_proven_plan() -> None:
    plans = [compiled(to_bytes(case.model), "any").plan for case in draw_cases(ALL["graph"], 40)]
    assert sum(plan.proven for plan in plans) > 0.9 * len(plans)
