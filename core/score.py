"""Score a network's outputs against labels or targets: the one measure used at every stage."""

from dataclasses import dataclass
from enum import Enum

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import TinykitError

_LIMITS = (0.5, 0.0)  # above it the answer is yes: of probabilities, of any other numbers


class Metric(Enum):
    """Name what a score counts."""

    ACCURACY = "accuracy"
    MEAN_SQUARED_ERROR = "mean squared error"


class Kind(Enum):
    """Name what a network's answers mean, which follows from its outputs and the labels."""

    CLASSES = "classes"  # one output a class, y holds the class
    ONE_HOT = "one hot"  # one output a class, y holds 1 for the class and 0 for all others
    YES_NO = "yes or no"  # every output is a decision, y holds 0 or 1 for each
    NUMBERS = "numbers"  # y holds targets


@dataclass(frozen=True, slots=True)
class Score:
    """Hold one score.

    Attributes:
        metric: what `value` counts.
        value: the share of samples right in every output (0 to 1), or the mean squared error.
        samples: how many samples were scored.
    """

    metric: Metric
    value: float
    samples: int

    def __str__(self) -> str:
        """Write the score as people read it."""
        if self.metric is Metric.ACCURACY:
            return f"{100 * self.value:.2f} %"
        return f"{self.value:.3g}"

    def better_than(self, other: "Score") -> bool:
        """Say whether this score beats `other`, which counts the same."""
        assert self.metric is other.metric
        if self.metric is Metric.ACCURACY:
            return self.value > other.value
        return self.value < other.value


def kind_of(output_shape: tuple[int, ...], y: NDArray[np.generic]) -> Kind:
    """Say what outputs (n, ...) of this shape mean for labels or targets `y`.

    Raises:
        TinykitError: the shapes do not fit each other, or a label has no output.
    """
    if y.shape[0] != output_shape[0]:
        raise TinykitError(
            f"{output_shape[0]} outputs cannot be scored against {y.shape[0]} labels",
            "give one label or target a sample",
        )
    labels_are_whole = np.issubdtype(y.dtype, np.integer)
    outputs = int(np.prod(output_shape[1:]))
    if labels_are_whole and y.size == y.shape[0] and outputs > 1:
        _refuse_labels_beyond(y, outputs)
        return Kind.CLASSES
    if y.size != y.shape[0] * outputs:
        raise TinykitError(
            f"y has shape {y.shape}, the model's output has shape {output_shape}",
            "save y as integer labels (samples,) or as targets of the output's shape",
        )
    if outputs > 1 and y.ndim == 2 and _is_one_hot(y):
        return Kind.ONE_HOT
    if not labels_are_whole:
        return Kind.NUMBERS
    _refuse_labels_beyond(y, 2)
    return Kind.YES_NO


def score_outputs(outputs: NDArray[np.floating], y: NDArray[np.generic]) -> Score:
    """Score outputs against labels or targets.

    Args:
        outputs: float (n, ...), dequantized where the network is int8.
        y: integer labels (n,), whole-number decisions or float targets of the outputs' shape.
    """
    kind = kind_of(outputs.shape, y)
    flat = outputs.reshape(len(outputs), -1)
    wanted = y.reshape(len(y), -1)
    if kind is Kind.NUMBERS:
        difference = flat.astype(np.float64) - wanted.astype(np.float64)
        return Score(Metric.MEAN_SQUARED_ERROR, float(np.mean(difference**2)), len(y))
    right = _right_samples(kind, flat, wanted)
    return Score(Metric.ACCURACY, float(np.mean(right)), len(y))


def are_probabilities(outputs: NDArray[np.floating]) -> bool:
    """Say whether every output lies between 0 and 1, as a sigmoid's or a softmax's do."""
    return bool(np.all((outputs >= 0) & (outputs <= 1)))


def _right_samples(
    kind: Kind, flat: NDArray[np.floating], wanted: NDArray[np.generic]
) -> NDArray[np.bool_]:
    right: NDArray[np.bool_]
    if kind is Kind.CLASSES:
        right = np.argmax(flat, axis=1) == wanted[:, 0]
    elif kind is Kind.ONE_HOT:
        right = np.argmax(flat, axis=1) == np.argmax(wanted, axis=1)
    else:
        limit = _LIMITS[0] if are_probabilities(flat) else _LIMITS[1]
        right = np.all((flat > limit) == (wanted == 1), axis=1)
    return right


def _decided(
    kind: Kind, flat: NDArray[np.floating], target: NDArray[np.generic], limit: float
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the class of one sample and the one that its output says, for each decision."""
    if kind is Kind.YES_NO:
        return target.astype(np.int64), (flat > limit).astype(np.int64)
    wanted = target[0] if kind is Kind.CLASSES else np.argmax(target)
    return np.array([wanted], np.int64), np.array([np.argmax(flat)], np.int64)


def _is_one_hot(y: NDArray[np.generic]) -> bool:
    numbers = y.astype(np.float64)
    return bool(np.all((numbers == 0) | (numbers == 1)) and np.all(numbers.sum(axis=1) == 1))


def _refuse_labels_beyond(y: NDArray[np.generic], count: int) -> None:
    lowest, highest = int(y.min()), int(y.max())
    if lowest < 0 or highest >= count:
        raise TinykitError(
            f"y has labels from {lowest} to {highest}, the model tells apart 0 to {count - 1}",
            "renumber the labels from 0, or give the model one output a class",
        )


class RunningScore:
    """Score one sample after the other, in memory that does not grow.

    Args:
        kind: what the outputs mean.
        outputs: how many numbers a sample's output has.
    """

    def __init__(self, kind: Kind, outputs: int) -> None:
        self._kind = kind
        self._samples = 0
        self._squares = 0.0
        self._probabilities = True
        self._right = dict.fromkeys(_LIMITS, 0)  # the limit is known when all have come
        classes = outputs if kind in (Kind.CLASSES, Kind.ONE_HOT) else 2
        self._counts = {limit: np.zeros((classes, classes), np.int64) for limit in _LIMITS}

    def add(self, output: NDArray[np.floating], wanted: NDArray[np.generic]) -> None:
        """Count one sample.

        Args:
            output: as in score_outputs, of one sample.
            wanted: its label or targets.
        """
        flat, target = output.ravel(), np.asarray(wanted).ravel()
        self._samples += 1
        if self._kind is Kind.NUMBERS:
            difference = flat.astype(np.float64) - target.astype(np.float64)
            self._squares += float(np.mean(difference**2))
            return
        self._probabilities &= are_probabilities(flat)
        for limit in _LIMITS:
            is_class, said = _decided(self._kind, flat, target, limit)
            self._right[limit] += bool(np.all(is_class == said))
            np.add.at(self._counts[limit], (is_class, said), 1)

    def score(self) -> Score:
        """Return the score of the samples so far, of which there is one at least."""
        if self._kind is Kind.NUMBERS:
            return Score(Metric.MEAN_SQUARED_ERROR, self._squares / self._samples, self._samples)
        return Score(Metric.ACCURACY, self._right[self._limit()] / self._samples, self._samples)

    def confusion(self) -> NDArray[np.int64] | None:
        """Return how often each class (row) was taken for each (column); None for numbers."""
        return None if self._kind is Kind.NUMBERS else self._counts[self._limit()]

    def _limit(self) -> float:
        return _LIMITS[0] if self._probabilities else _LIMITS[1]
