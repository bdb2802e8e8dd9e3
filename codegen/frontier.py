"""Draw networks that were tried: how good each is against what it costs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tinykit.codegen.render import render
from tinykit.core.units import grouped

_LEFT, _TOP, _WIDTH, _HEIGHT, _GAP = 80, 50, 380, 260, 90
_TICKS = 4


@dataclass(frozen=True, slots=True)
class Point:
    """Hold one network.

    Attributes:
        label: what it is called, such as "90.0 %".
        score: how good it is.
        score_text: as people read it.
        costs: what it costs, one number a panel.
        best: whether it is the one that was chosen.
    """

    label: str
    score: float
    score_text: str
    costs: tuple[int, ...]
    best: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    x: int
    y: int
    anchor: str
    text: str


@dataclass(frozen=True, slots=True)
class _Dot:
    x: int
    y: int
    radius: int
    colour: str
    label: _Mark
    title: str


@dataclass(frozen=True, slots=True)
class _Panel:
    left: int
    top: int
    right: int
    bottom: int
    line: str
    dots: list[_Dot]
    marks: list[_Mark]


def frontier_svg(
    title: str, metric: str, names: Sequence[str], points: Sequence[Point], version: str
) -> str:
    """Draw one panel a cost, costs from left to right and scores from bottom to top.

    Args:
        title: of the drawing.
        metric: what scores are called.
        names: what the costs are called, one a panel.
        points: the networks.
        version: of tinykit.
    """
    panels = [_panel(number, name, points) for number, name in enumerate(names)]
    return render(
        "frontier.svg.j2",
        title=title,
        metric=metric,
        version=version,
        width=_LEFT + len(names) * (_WIDTH + _GAP),
        height=_TOP + _HEIGHT + 50,
        middle=_TOP + _HEIGHT // 2,
        panels=panels,
    )


def _panel(number: int, name: str, points: Sequence[Point]) -> _Panel:
    left = _LEFT + number * (_WIDTH + _GAP)
    most = max(point.costs[number] for point in points)
    scores = [point.score for point in points]
    low, high = min(scores), max(scores)
    if low == high:
        low, high = low - 0.5, high + 0.5

    def x(cost: float) -> int:
        return left + round(cost * _WIDTH / (1.05 * most))

    def y(score: float) -> int:
        return _TOP + _HEIGHT - 12 - round((score - low) * (_HEIGHT - 24) / (high - low))

    ordered = sorted(points, key=lambda point: point.costs[number])
    texts = {point.score: point.score_text for point in points}
    return _Panel(
        left=left,
        top=_TOP,
        right=left + _WIDTH,
        bottom=_TOP + _HEIGHT,
        line=" ".join(f"{x(point.costs[number])},{y(point.score)}" for point in ordered),
        dots=[
            _dot(point, x(point.costs[number]), y(point.score), f"{point.costs[number]} {name}")
            for point in ordered
        ],
        marks=[
            _Mark(left + _WIDTH // 2, _TOP + _HEIGHT + 36, "middle", name),
            *(_cost_mark(x, most * tick // _TICKS) for tick in range(_TICKS + 1)),
            *(_Mark(left - 8, y(score) + 4, "end", texts[score]) for score in _apart(scores, y)),
        ],
    )


def _dot(point: Point, x: int, y: int, cost: str) -> _Dot:
    label = _Mark(x + 8, y - 6, "start", point.label)
    title = f"{point.label} zeros: {point.score_text}, {cost}"
    if point.best:
        return _Dot(x, y, 7, "#b5482f", label, title)
    return _Dot(x, y, 4, "#4a7a9c", label, title)


def _cost_mark(x: Callable[[float], int], cost: int) -> _Mark:
    return _Mark(x(cost), _TOP + _HEIGHT + 16, "middle", grouped(cost))


def _apart(scores: Sequence[float], y: Callable[[float], int]) -> list[float]:
    """Leave out scores whose labels would overlap."""
    kept: list[float] = []
    for score in sorted(set(scores), reverse=True):
        if not kept or abs(y(score) - y(kept[-1])) > 13:
            kept.append(score)
    return kept
