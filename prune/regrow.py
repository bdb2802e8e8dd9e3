"""Move zeros while a network is fitted: drop weights, and grow as many where gradients are large.

This is RigL (Evci et al., "Rigging the lottery: making all tickets winners", 2020, algorithm 1),
with Adam, whose averages go on where a weight is zero.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.prune.gradients import Gradients
from tinykit.prune.masking import Masker
from tinykit.prune.masks import Mask
from tinykit.prune.schedule import Schedule

FIRST_SHARE = 0.3  # of a kernel's weights that move at first; the paper's alpha


def moving_share(step: int, last: int) -> float:
    """Return which share of a kernel's weights moves at a step: it falls along a cosine to 0."""
    return FIRST_SHARE / 2 * (1 + math.cos(math.pi * step / last))


def regrown(
    mask: Mask, weights: NDArray[np.float32], gradient: NDArray[np.float32], share: float
) -> Mask:
    """Return a mask with as many weights, a share of them elsewhere.

    Args:
        mask: what stays (True) so far.
        weights: the smallest of which go.
        gradient: of each weight; the largest of those that are zero come.
        share: of the weights that stay, how many go.
    """
    stays = mask.ravel().copy()
    active = np.flatnonzero(stays)
    count = min(int(share * len(active)), stays.size - len(active))
    order = np.argsort(np.abs(weights.ravel()[active]), kind="stable")
    stays[active[order[:count]]] = False
    empty = np.flatnonzero(~stays)
    order = np.argsort(-np.abs(gradient.ravel()[empty]), kind="stable")
    stays[empty[order[:count]]] = True
    return stays.reshape(mask.shape)


def regrowing(masker: Masker, schedule: Schedule, gradients: Gradients, batch_size: int) -> Any:
    """Return a callback that moves zeros at the schedule's updates but the last, which moves none.

    Args:
        masker: whose masks are moved.
        schedule: when.
        gradients: of the same variables.
        batch_size: how many samples gradients are taken of.
    """
    import keras

    class Regrow(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.step = 0

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            if schedule.due(self.step) and 0 < self.step < schedule.last:
                share = moving_share(self.step, schedule.last)
                parts = zip(
                    masker.masks, masker.values(), gradients.of_batch(batch_size), strict=True
                )
                masker.take([regrown(*part, share) for part in parts])
            self.step += 1

    return Regrow()
