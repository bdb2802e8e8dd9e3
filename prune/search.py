"""Search for the cheapest network that holds a bound: which sparsity to try next, which to take.

What a network costs is measured by the caller, on the compiled model. The search is a function of
what was tried, so that it can stop and go on anywhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from tinykit.core.errors import CheckFailedError
from tinykit.core.score import Metric, Score
from tinykit.core.units import grouped
from tinykit.prune.kernels import LeftDense
from tinykit.train.meter import TrainingCost

LEAST_KEPT = 1 / 64  # of the weights
CLOSE = 1.12  # sparsities whose kept shares differ by less are not told apart
MEASURES = ("flash", "ram", "instructions")


@dataclass(frozen=True, slots=True)
class Price:
    """Hold what a compiled network costs.

    Attributes:
        flash: bytes, of the whole image.
        ram: bytes, of the whole image.
        instructions: of one inference.
        fixed_flash: bytes of flash that hold no weights: kernels, calls, application.
        arena: bytes of RAM for activations.
    """

    flash: int
    ram: int
    instructions: int
    fixed_flash: int
    arena: int

    def of(self, measure: str) -> int:
        """Return one of the measures that a target can name."""
        return {"flash": self.flash, "ram": self.ram, "instructions": self.instructions}[measure]


@dataclass(frozen=True, slots=True)
class Trial:
    """Hold one network that was tried.

    Attributes:
        kept: the share of weights, or channels, that stay; 1 is the network as it came.
        weights: how many kernel weights the network that came has.
        zeros: how many of them are zero or gone.
        score: of the int8 network on the validation data.
        price: what it costs on the board.
        cost: what pruning it took.
        left_dense: what was not pruned, with the reason.
    """

    kept: float
    weights: int
    zeros: int
    score: Score
    price: Price
    cost: TrainingCost = field(default_factory=TrainingCost)
    left_dense: tuple[LeftDense, ...] = ()


@dataclass(frozen=True, slots=True)
class Goal:
    """Hold what is wanted.

    Attributes:
        reference: the float network's score on the validation data.
        max_drop: how many points of accuracy may be lost; None does not matter.
        targets: the most that it may cost, by measure.
    """

    reference: Score
    max_drop: float | None
    targets: dict[str, int]

    def holds(self, trial: Trial) -> bool:
        """Tell whether a trial is accurate enough."""
        if self.max_drop is None:
            return True
        return self.reference.value - trial.score.value <= self.max_drop / 100 + 1e-9

    def meets(self, trial: Trial) -> bool:
        """Tell whether a trial is cheap enough."""
        return all(trial.price.of(measure) <= most for measure, most in self.targets.items())

    def goes_on(self, trial: Trial) -> bool:
        """Tell whether something sparser than this trial may be better."""
        return not self.meets(trial) if self.targets else self.holds(trial)


def next_kept(trials: Sequence[Trial], goal: Goal) -> float | None:
    """Return which share of the weights to keep next; None when it is done.

    It halves until something is too sparse (or, for targets, sparse enough), and then closes in.
    """
    if not trials:
        return 1.0
    on = [trial.kept for trial in trials if goal.goes_on(trial)]
    if not on:
        return None
    last = min(on)
    beyond = [trial.kept for trial in trials if trial.kept < last]
    if not beyond:
        return last / 2 if last / 2 >= LEAST_KEPT else None
    ratio = last / max(beyond)
    return None if ratio < CLOSE else float(last / ratio**0.5)


def refuse_out_of_reach(dense: Trial, goal: Goal) -> None:
    """Refuse a target of RAM that the activations alone are over, whatever weights are zero.

    Raises:
        CheckFailedError: with both numbers.
    """
    most = goal.targets.get("ram")
    if most is not None and dense.price.arena > most:
        raise CheckFailedError(
            f"ram={grouped(most)} cannot be met: activations alone take "
            f"{grouped(dense.price.arena)} bytes, which zeros do not make fewer",
            "whole channels make activations smaller: --recipe channels",
        )


def chosen(trials: Sequence[Trial], goal: Goal) -> Trial:
    """Return the best trial: for targets the most accurate, or the cheaper of equals.

    Without targets it is the pruned one with the least flash.

    Raises:
        CheckFailedError: none will do, with the best and what limits it.
    """
    fit = [trial for trial in trials if goal.holds(trial) and goal.meets(trial)]
    if not goal.targets:
        fit = [trial for trial in fit if trial.kept < 1]
    if not fit:
        raise _refusal(trials, goal)
    cheapest = sorted(fit, key=lambda trial: (trial.price.flash, trial.price.instructions))
    return _most_accurate(cheapest) if goal.targets else cheapest[0]


def on_frontier(trial: Trial, trials: Sequence[Trial], measure: str) -> bool:
    """Tell whether no other trial is cheaper and at least as accurate, or as cheap and better."""
    mine = trial.price.of(measure)
    for other in trials:
        theirs = other.price.of(measure)
        better = other.score.better_than(trial.score)
        as_good = better or other.score.value == trial.score.value
        if (theirs < mine and as_good) or (theirs == mine and better):
            return False
    return True


def _most_accurate(trials: Sequence[Trial]) -> Trial:
    """Return the best, the first of several."""
    best = trials[0]
    for trial in trials[1:]:
        best = trial if trial.score.better_than(best.score) else best
    return best


def _refusal(trials: Sequence[Trial], goal: Goal) -> CheckFailedError:
    if not any(goal.meets(trial) for trial in trials):
        return _unmet(trials, goal)
    pruned = [trial for trial in trials if trial.kept < 1 and goal.meets(trial)] or list(trials)
    best = _most_accurate(pruned)
    assert goal.max_drop is not None
    lost = 100 * (goal.reference.value - best.score.value)
    dense = next(trial for trial in trials if trial.kept == 1)
    why = "train longer: --epochs; or allow more: --max-drop"
    if not goal.holds(dense):
        why = "int8 alone loses too much: --recipe aware, or more calibration data"
    return CheckFailedError(
        f"no pruned network loses at most {goal.max_drop:g} points: the best loses {lost:.2f}, at "
        f"{_percent(best)} zeros ({goal.reference} before, {best.score} after)",
        why,
    )


def _unmet(trials: Sequence[Trial], goal: Goal) -> CheckFailedError:
    """Say how near the targets the search came, and what is in the way."""
    missed = [m for m, most in goal.targets.items() if all(t.price.of(m) > most for t in trials)]
    measure = missed[0] if missed else next(iter(goal.targets))
    best = min(trials, key=lambda trial: trial.price.of(measure))
    price, most = best.price, goal.targets[measure]
    limits = {
        "flash": f"{grouped(price.fixed_flash)} bytes of it are code and application, not weights",
        "ram": f"{grouped(price.arena)} bytes of it are activations, which zeros do not make fewer",
        "instructions": "the rest is activations, pooling and weights that are left",
    }
    hints = {
        "flash": "a smaller network, or --optimize size",
        "ram": "whole channels make activations smaller: --recipe channels",
        "instructions": "whole channels, or a smaller network: --recipe channels",
    }
    unit = "" if measure == "instructions" else " bytes"
    return CheckFailedError(
        f"{measure}={grouped(most)} cannot be met: {grouped(price.of(measure))}{unit} is the "
        f"least, at {_percent(best)} zeros ({best.score.metric.value} {best.score}); "
        f"{limits[measure]}",
        hints[measure],
    )


def _percent(trial: Trial) -> str:
    return f"{100 * trial.zeros / trial.weights:.1f} %"


def refuse_drop_without_accuracy(reference: Score) -> None:
    """Raise CheckFailedError if the score does not count right answers."""
    if reference.metric is not Metric.ACCURACY:
        raise CheckFailedError(
            f"--max-drop counts points of accuracy, this network's score is its "
            f"{reference.metric.value}",
            "give what it may cost: --target flash=20k",
        )
