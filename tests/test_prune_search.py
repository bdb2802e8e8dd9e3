"""The search for the cheapest network: which are tried, which is taken, what is said if none."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tinykit.codegen.frontier import Point, frontier_svg
from tinykit.core.data import DataSet
from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.core.score import Metric, Score
from tinykit.host.targets import parse_targets
from tinykit.host.tried import STATE, Tried, key_of
from tinykit.prune.chance import refuse_chance
from tinykit.prune.kernels import LeftDense
from tinykit.prune.search import (
    CLOSE,
    LEAST_KEPT,
    Goal,
    Price,
    Trial,
    chosen,
    next_kept,
    on_frontier,
    refuse_drop_without_accuracy,
    refuse_out_of_reach,
)
from tinykit.train.meter import TrainingCost

WEIGHTS = 1000


def accuracy(value: float) -> Score:
    return Score(Metric.ACCURACY, value, 200)


def trial(kept: float, value: float) -> Trial:
    """Make a trial whose cost grows with what is kept."""
    left = round(kept * WEIGHTS)
    price = Price(3000 + 2 * left, 900, 500 + 9 * left, 3000, 600)
    return Trial(kept, WEIGHTS, WEIGHTS - left, accuracy(value), price)


def walked(goal: Goal, holds_down_to: float) -> list[Trial]:
    """Search a network that keeps its accuracy down to a share of weights."""
    trials: list[Trial] = []
    while (kept := next_kept(trials, goal)) is not None:
        trials.append(trial(kept, 0.95 if kept >= holds_down_to else 0.5))
        assert len(trials) < 20
    return trials


@given(st.floats(LEAST_KEPT, 0.9))
def test_the_search_closes_in_on_where_the_accuracy_breaks(breaks: float) -> None:
    goal = Goal(accuracy(0.95), 0.5, {})
    trials = walked(goal, breaks)
    best = chosen(trials, goal) if any(t.kept < 1 and goal.holds(t) for t in trials) else trials[0]
    assert breaks <= best.kept <= max(breaks * CLOSE, 2 * LEAST_KEPT)


@given(st.integers(3040, 4990))
def test_the_search_keeps_as_many_weights_as_a_target_allows(flash: int) -> None:
    goal = Goal(accuracy(0.95), None, {"flash": flash})
    trials = [replace(t, score=accuracy(0.9 + t.kept / 20)) for t in walked(goal, 0)]
    best = chosen(trials, goal)
    assert best.price.flash <= flash
    allowed = (flash - 3000) / 2 / WEIGHTS
    assert best.kept >= allowed / CLOSE - 1 / WEIGHTS


def test_the_search_goes_on_where_it_stopped() -> None:
    goal = Goal(accuracy(0.95), 0.5, {})
    trials = walked(goal, 0.1)
    for stop in range(len(trials)):
        assert next_kept(trials[:stop], goal) == trials[stop].kept
    shuffled = sorted(trials[:4], key=lambda t: t.kept)
    assert next_kept(shuffled, goal) == trials[4].kept


def test_the_network_as_it_came_will_do_if_it_meets_the_target() -> None:
    goal = Goal(accuracy(0.95), 1.0, {"flash": 9000, "ram": 900})
    trials = walked(goal, 0)
    assert [t.kept for t in trials] == [1.0]
    assert chosen(trials, goal) == trials[0]


def test_of_those_that_meet_the_target_the_most_accurate_is_taken() -> None:
    goal = Goal(accuracy(0.95), None, {"instructions": 6000})
    trials = [trial(1, 0.95), trial(0.5, 0.92), trial(0.25, 0.94), trial(0.6, 0.91)]
    assert chosen(trials, goal).kept == 0.25
    assert chosen([*trials, trial(0.2, 0.94)], goal).kept == 0.2, "the cheaper of equals"


@pytest.mark.parametrize(
    ("goal", "message", "hint"),
    [
        (
            Goal(accuracy(0.95), None, {"flash": 2000}),
            "flash=2 000 cannot be met: 3 032 bytes is the least, at 98.4 % zeros (accuracy "
            "95.00 %); 3 000 bytes of it are code and application, not weights",
            "a smaller network, or --optimize size",
        ),
        (
            Goal(accuracy(0.95), None, {"flash": 9000, "ram": 500}),
            "ram=500 cannot be met: 900 bytes is the least, at 0.0 % zeros (accuracy 95.00 %); "
            "600 bytes of it are activations, which zeros do not make fewer",
            "whole channels make activations smaller: --recipe channels",
        ),
        (
            Goal(accuracy(0.95), None, {"instructions": 600}),
            "instructions=600 cannot be met: 644 is the least, at 98.4 % zeros (accuracy "
            "95.00 %); the rest is activations, pooling and weights that are left",
            "whole channels, or a smaller network: --recipe channels",
        ),
    ],
)
def test_targets_that_cannot_be_met_say_what_limits_them(
    goal: Goal, message: str, hint: str
) -> None:
    with pytest.raises(CheckFailedError) as caught:
        chosen(walked(goal, 0), goal)
    assert (caught.value.message, caught.value.hint) == (message, hint)


def test_a_drop_that_nothing_holds_says_the_best_reached() -> None:
    goal = Goal(accuracy(0.96), 0.5, {})
    trials = [trial(1, 0.96), trial(0.5, 0.9), trial(0.75, 0.94)]
    with pytest.raises(CheckFailedError) as caught:
        chosen(trials, goal)
    assert caught.value.message == (
        "no pruned network loses at most 0.5 points: the best loses 2.00, at 25.0 % zeros "
        "(96.00 % before, 94.00 % after)"
    )
    assert caught.value.hint.startswith("train longer")
    with pytest.raises(CheckFailedError) as caught:
        chosen([trial(1, 0.9)], goal)
    assert caught.value.hint.startswith("int8 alone loses too much")


def test_a_drop_needs_a_score_of_right_answers() -> None:
    with pytest.raises(CheckFailedError) as caught:
        refuse_drop_without_accuracy(Score(Metric.MEAN_SQUARED_ERROR, 0.1, 10))
    assert "mean squared error" in caught.value.message


def test_the_frontier_has_what_nothing_beats() -> None:
    trials = [trial(1, 0.95), trial(0.5, 0.95), trial(0.25, 0.9), trial(0.3, 0.8)]
    assert [on_frontier(t, trials, "flash") for t in trials] == [False, True, True, False]


@pytest.mark.parametrize(
    ("texts", "targets"),
    [
        (["flash=20k"], {"flash": 20480}),
        (
            ["flash=20k,ram=8K", "instructions=0.4M"],
            {"flash": 20480, "ram": 8192, "instructions": 400_000},
        ),
        (["instructions=400k"], {"instructions": 400_000}),
        (["ram=512"], {"ram": 512}),
    ],
)
def test_targets_are_read(texts: list[str], targets: dict[str, int]) -> None:
    assert parse_targets(texts) == targets


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["flash"], "'flash' is no target"),
        (["speed=3"], "'speed=3' is no target"),
        (["flash=20q"], "'flash=20q' is no target"),
        (["flash=-1"], "'flash=-1' is no target"),
        (["flash=1k,flash=2k"], "flash has two targets"),
        (["ram=0"], "'ram=0' is nothing at all"),
    ],
)
def test_targets_that_are_none_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(TinykitError) as caught:
        parse_targets(texts)
    assert caught.value.message == message


def labelled(y: np.ndarray) -> DataSet:
    return DataSet(np.zeros((len(y), 1), np.float32), y)


def test_a_guess_is_refused_and_knowledge_is_not() -> None:
    data = labelled(np.arange(200) % 4)
    for value in (0.2, 0.25, 0.31):
        with pytest.raises(TinykitError) as caught:
            refuse_chance(accuracy(value), data)
        assert "the same answer to everything has 25.00 %" in caught.value.message
    refuse_chance(accuracy(0.4), data)
    numbers = labelled(np.linspace(-1, 1, 50).astype(np.float32))
    refuse_chance(Score(Metric.MEAN_SQUARED_ERROR, 0.1, 50), numbers)
    with pytest.raises(TinykitError):
        refuse_chance(Score(Metric.MEAN_SQUARED_ERROR, 0.4, 50), numbers)
    with pytest.raises(TinykitError) as caught:  # large targets have large errors
        refuse_chance(Score(Metric.MEAN_SQUARED_ERROR, 900.0, 50), labelled(numbers.y * 30))
    assert "mean squared error is 900" in caught.value.message
    refuse_chance(accuracy(1.0), labelled(np.zeros(9, np.int64)))  # nothing could be better


def test_what_was_tried_is_found_again(tmp_path: Path) -> None:
    tried = Tried(tmp_path / "p.search", key_of("model", 3))
    assert tried.load() == []
    tried.make()
    cost = TrainingCost(1, 2, 3, None, 0.5, ("memory",))
    left = (LeftDense("memory", 9, "excluded by 'memory'"),)
    trials = [trial(1, 0.95), replace(trial(0.5, 0.9), cost=cost, left_dense=left)]
    for each in trials:
        tried.network(each.kept).write_text("a network")
    tried.add(trials)
    assert tried.load() == trials
    tried.network(0.5).unlink()  # interrupted before it was written
    assert tried.load() == trials[:1]
    tried.remove()
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "{folder} is there, and holds no search.json"),
        ("{", "{folder}/search.json is damaged (JSONDecodeError)"),
        ("[]", "{folder}/search.json is damaged (TypeError)"),
        ('{"schema": 2, "key": "KEY"}', "{folder}/search.json is damaged (KeyError)"),
        (
            '{"schema": 1, "key": "other", "trials": []}',
            "{folder} holds the search of another network, recipe, board or seed",
        ),
    ],
)
def test_a_folder_that_is_not_of_this_search_is_refused(
    tmp_path: Path, text: str | None, message: str
) -> None:
    tried = Tried(tmp_path / "p.search", key_of("model"))
    tried.make()
    (tried.folder / "thesis.txt").write_text("mine")
    if text is not None:
        (tried.folder / STATE).write_text(text.replace("KEY", tried.key))
    with pytest.raises(TinykitError) as caught:
        tried.load()
    assert caught.value.message == message.format(folder=tried.folder)
    assert (tried.folder / "thesis.txt").read_text() == "mine"


def test_keys_tell_files_and_settings_apart(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("1")
    (tmp_path / "b").write_text("2")
    parts = [tmp_path / "a", tmp_path / "b", 1, (tmp_path / "a", 1)]
    assert len({key_of(part) for part in parts}) == 4
    assert key_of(tmp_path / "a", 1) != key_of(tmp_path / "a", 2)


def test_the_drawing_has_every_network_twice(tmp_path: Path) -> None:
    import xml.etree.ElementTree as ElementTree

    points = [
        Point(f"{zeros} %", 0.9 - zeros / 1000, "90 %", (5000 - zeros, 90_000 - zeros), zeros == 50)
        for zeros in (0, 50, 90)
    ]
    svg = frontier_svg("a < b", "accuracy", ("bytes", "instructions"), points, "1")
    root = ElementTree.fromstring(svg)
    circles = root.findall(".//{*}circle")
    assert len(circles) == 6
    assert sum(circle.get("r") == "7" for circle in circles) == 2
    flat = [replace(point, score=1.0) for point in points]
    ElementTree.fromstring(frontier_svg("one line", "accuracy", ("bytes",), flat, "1"))
    width = float(root.get("viewBox", "").split()[2])
    assert all(0 < float(circle.get("cx", 0)) < width for circle in circles)


def test_ram_below_the_activations_is_refused_before_anything_is_pruned() -> None:
    refuse_out_of_reach(trial(1, 0.95), Goal(accuracy(0.95), None, {"ram": 600, "flash": 1}))
    with pytest.raises(CheckFailedError) as caught:
        refuse_out_of_reach(trial(1, 0.95), Goal(accuracy(0.95), None, {"ram": 599}))
    assert caught.value.message.startswith("ram=599 cannot be met: activations alone take 600")
    assert "--recipe channels" in caught.value.hint
