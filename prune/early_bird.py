"""Tell when the masks that pruning would choose have settled, so that dense training can stop.

Early-bird tickets (You et al., "Drawing early-bird tickets: towards more efficient training of deep
networks", 2020, algorithm 1): the masks of the last epochs are compared, and training stops when
none differs from the latest in more than a tenth. They look back over five epochs and count
channels; here it is three epochs, since small networks train for few, and weights.
"""

from typing import Any

import numpy as np

from tinykit.prune.choice import choice_for
from tinykit.prune.kernels import find_kernels
from tinykit.prune.masks import Mask
from tinykit.prune.recipe import Recipe

EPOCHS = 3  # whose masks are compared
CLOSE = 0.1  # the share of the weights kept that may differ; the paper's epsilon


class EarlyBird:
    """Hold the masks of the last epochs."""

    def __init__(self, recipe: Recipe) -> None:
        self._recipe = recipe
        self._seen: list[list[Mask]] = []

    def settled(self, model: Any) -> bool:
        """Look at the model after an epoch, and tell whether its masks have settled."""
        choice = choice_for(model, find_kernels(model, self._recipe.exclude), self._recipe, None)
        masks = choice.masks([variable.numpy() for variable in choice.variables], 1.0, 1.0)
        before, self._seen = self._seen, [*self._seen, masks][-(EPOCHS - 1) :]
        return len(before) == EPOCHS - 1 and all(distance(old, masks) <= CLOSE for old in before)


def distance(one: list[Mask], other: list[Mask]) -> float:
    """Return which share of the weights that one keeps the other does not."""
    kept = sum(int(mask.sum()) for mask in one)
    lost = sum(int(np.count_nonzero(a & ~b)) for a, b in zip(one, other, strict=True))
    return lost / kept
