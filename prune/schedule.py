"""When the zeros come, step by step: along a cubic (Zhu and Gupta, 2017), constant, or at once."""

import math
from dataclasses import dataclass
from enum import Enum

from tinykit.core.errors import TinykitError

UPDATES = 40  # how often the masks are chosen
RAMP = 0.6  # the share of the steps in which they are; in the rest the network recovers
REGROW_RAMP = 0.75  # where zeros move (Evci et al., 2020)


class Growth(Enum):
    """Name how the share of zeros grows."""

    CUBIC = "cubic"  # fast at first, slower and slower; what is zero stays zero
    CONSTANT = "constant"  # the final share from the start; zeros are chosen anew at every update
    ONE_SHOT = "one-shot"  # all before the first step, and never again
    REGROW = "regrow"  # all before the first step; at every update some move


AT_ONCE = (Growth.ONE_SHOT, Growth.REGROW)


@dataclass(frozen=True, slots=True)
class Schedule:
    """Hold when the masks are chosen: before step 0, every, 2 every, ... up to last.

    Attributes:
        every: optimizer steps from one update to the next.
        last: the step before which the final masks are chosen.
        growth: how the share of zeros grows.
    """

    every: int
    last: int
    growth: Growth = Growth.CUBIC

    def due(self, step: int) -> bool:
        """Say whether masks are chosen before this step."""
        return step <= self.last and step % self.every == 0

    def share(self, step: int) -> float:
        """Return how much of the way to the final sparsity is done at this step (0 to 1)."""
        if self.growth is not Growth.CUBIC:
            return 1.0
        return 1 - (1 - min(step, self.last) / self.last) ** 3


def schedule_for(
    epochs: int, samples: int, batch_size: int, growth: Growth = Growth.CUBIC
) -> Schedule:
    """Spread the updates over the steps that a fine-tuning has.

    Raises:
        TinykitError: it has too few.
    """
    if growth is Growth.ONE_SHOT:
        return Schedule(1, 0, growth)
    per_epoch = math.ceil(samples / batch_size)
    ramp = REGROW_RAMP if growth is Growth.REGROW else RAMP
    steps, needed = epochs * per_epoch, math.ceil(UPDATES / ramp)
    if steps < needed:
        raise TinykitError(
            f"pruning takes at least {needed} optimizer steps, {epochs} epochs of {samples} "
            f"samples in batches of {batch_size} give {steps}",
            f"--epochs {math.ceil(needed / per_epoch)}, or a smaller --batch-size",
        )
    every = int(ramp * steps) // UPDATES
    return Schedule(every, every * UPDATES, growth)
