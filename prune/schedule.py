"""The cubic schedule: how the share of zeros grows, step by step (Zhu and Gupta, 2017)."""

import math
from dataclasses import dataclass

from tinykit.core.errors import TinykitError

UPDATES = 40  # how often the masks tighten
RAMP = 0.6  # the share of the steps in which they do; in the rest the network recovers


@dataclass(frozen=True, slots=True)
class Schedule:
    """Hold when the masks tighten: before step 0, every, 2 every, ... up to last.

    Attributes:
        every: optimizer steps from one update to the next.
        last: the step before which the final sparsity is reached.
    """

    every: int
    last: int

    def due(self, step: int) -> bool:
        """Say whether the masks tighten before this step."""
        return step <= self.last and step % self.every == 0

    def share(self, step: int) -> float:
        """Return how much of the way to the final sparsity is done at this step (0 to 1)."""
        return 1 - (1 - min(step, self.last) / self.last) ** 3


def schedule_for(epochs: int, samples: int, batch_size: int) -> Schedule:
    """Spread the updates over the steps that a fine-tuning has.

    Raises:
        TinykitError: it has too few.
    """
    per_epoch = math.ceil(samples / batch_size)
    steps, needed = epochs * per_epoch, math.ceil(UPDATES / RAMP)
    if steps < needed:
        raise TinykitError(
            f"pruning takes at least {needed} optimizer steps, {epochs} epochs of {samples} "
            f"samples in batches of {batch_size} give {steps}",
            f"--epochs {math.ceil(needed / per_epoch)}, or a smaller --batch-size",
        )
    every = int(RAMP * steps) // UPDATES
    return Schedule(every, every * UPDATES)
