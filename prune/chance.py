"""Tell whether a network knows more than a guess does."""

import math

import numpy as np

from tinykit.core.data import DataSet
from tinykit.core.errors import TinykitError
from tinykit.core.score import Metric, Score

SIGMAS = 2.0  # of the binomial deviation, beyond which a guess rarely gets by luck


def refuse_chance(score: Score, data: DataSet) -> None:
    """Refuse a network that is no better than always giving the same answer.

    Raises:
        TinykitError: with both scores.
    """
    guess, known = _compared(score, data)
    if not known:
        raise TinykitError(
            f"before pruning the model's {score.metric.value} is {score} on {len(data)} samples, "
            f"the same answer to everything has {guess}",
            "train it first; if it is meant to be untrained: --from-scratch",
        )


def refuse_trained(score: Score, data: DataSet) -> None:
    """Refuse a network that knows something, where training is to start from nothing.

    Raises:
        TinykitError: with its score.
    """
    guess, known = _compared(score, data)
    if known:
        raise TinykitError(
            f"the recipe starts from an untrained model, this one's {score.metric.value} is "
            f"{score} on {len(data)} samples, the same answer to everything has {guess}",
            "tinykit train TASK --epochs 0 writes an untrained one",
        )


def _compared(score: Score, data: DataSet) -> tuple[Score, bool]:
    """Return the score of the best constant answer, and whether the network's is better."""
    assert data.y is not None
    flat = data.y.reshape(len(data), -1)
    if score.metric is Metric.ACCURACY:
        _, counts = np.unique(flat, axis=0, return_counts=True)
        guess = float(counts.max()) / len(data)
        limit = guess + SIGMAS * math.sqrt(guess * (1 - guess) / len(data))
        known = score.value > limit or score.value == 1  # nothing could be better
    else:
        guess = float(np.mean(np.var(flat.astype(np.float64), axis=0)))
        known = score.value < guess or guess == 0
    return Score(score.metric, guess, len(data)), known
