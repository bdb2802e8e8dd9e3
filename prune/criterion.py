"""Measure how important weights are: by magnitude, by chance, or by what the loss says (SNIP)."""

from collections.abc import Sequence
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.prune.gradients import Gradients

Scores = Sequence[NDArray[np.float32]]
SNIP_SAMPLES = 256


class Criterion(Enum):
    """Name what the least important weights are chosen by."""

    MAGNITUDE = "magnitude"  # of the weights as they are, each time
    RANDOM = "random"
    SNIP = "snip"  # how much the loss changes if a weight goes, once, before training


def scores_for(
    criterion: Criterion, variables: Sequence[Any], gradients: Gradients, rng: np.random.Generator
) -> Scores | None:
    """Return a score of each weight, float32 of the variables' shapes; None for magnitudes.

    SNIP's is the product of weight and gradient, whatever its sign (Lee et al., "SNIP: single-shot
    network pruning based on connection sensitivity", 2019, equation 5).
    """
    if criterion is Criterion.MAGNITUDE:
        return None
    if criterion is Criterion.RANDOM:
        # never 0, which would count as a zero that is there
        return [1 - rng.random(tuple(v.shape), np.float32) for v in variables]
    found = gradients.of_batch(SNIP_SAMPLES)
    return [
        np.abs(variable.numpy() * gradient)
        for variable, gradient in zip(variables, found, strict=True)
    ]
