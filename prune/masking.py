"""Hold weights at zero while a model is fitted."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.errors import CheckFailedError
from tinykit.prune.choice import Choice
from tinykit.prune.masks import Mask
from tinykit.prune.schedule import AT_ONCE, Growth, Schedule


class Masker:
    """Hold the masks of some variables, which work as constraints inside of every step.

    Attributes:
        part: how many of the rounds are done at the end of this one, as a share.
    """

    def __init__(self, choice: Choice, held: Sequence[Any]) -> None:
        self.part = 1.0
        self._choice, self._held = choice, held
        self._masks = [np.ones(variable.shape, np.bool_) for variable in choice.variables]

    @property
    def masks(self) -> list[Mask]:
        """Return what stays (True) of each variable."""
        return self._masks

    def choose(self, share: float) -> None:
        """Choose masks by the weights as they are, this share of the way to the end's (0 to 1)."""
        self._masks = self._choice.masks(self.values(), share, self.part)
        self.apply()

    def take(self, masks: list[Mask]) -> None:
        """Keep the weights of other masks from now on; those that were zero begin at zero."""
        self._masks = masks
        self.apply()
        self.hold()

    def values(self) -> list[NDArray[np.float32]]:
        """Return the weights as they are."""
        return [variable.numpy() for variable in self._choice.variables]

    def apply(self) -> None:
        """Set the variables to zero where they are masked."""
        for variable, mask in zip(self._choice.variables, self._masks, strict=True):
            variable.assign(np.where(mask, variable.numpy(), np.float32(0)))

    def hold(self) -> None:
        """Keep them at zero from now on."""
        for held, mask in zip(self._held, self._masks, strict=True):
            held.assign(mask.astype(np.float32))

    def release(self) -> None:
        """Let them move until they are applied or held again."""
        for held in self._held:
            held.assign(np.ones(held.shape, np.float32))


@contextmanager
def masked(choice: Choice) -> Iterator[Masker]:
    """Constrain a choice's variables inside the block, and check at its end that masks held."""
    import keras

    class Masked(keras.constraints.Constraint):  # type: ignore[misc]
        def __init__(self, mask: Any, inner: Any) -> None:
            self.mask, self.inner = mask, inner

        def __call__(self, weights: Any) -> Any:
            return (self.inner(weights) if self.inner else weights) * self.mask

    variables = choice.variables
    held = [keras.Variable(np.ones(v.shape, np.float32), trainable=False) for v in variables]
    saved = [variable.constraint for variable in variables]
    masker = Masker(choice, held)
    try:
        for variable, mask, inner in zip(variables, held, saved, strict=True):
            variable.constraint = Masked(mask, inner)
        yield masker
        _settle(variables, masker.masks)
    finally:
        for variable, inner in zip(variables, saved, strict=True):
            variable.constraint = inner


def callbacks_for(masker: Masker, schedule: Schedule) -> list[Any]:
    """Return what chooses masks during a fit; a one-shot schedule has chosen them before."""
    import keras

    class Tighten(keras.callbacks.Callback):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self.step = 0

        def on_train_batch_begin(self, batch: int, logs: object = None) -> None:  # noqa: ARG002
            if self.step <= schedule.last:
                _update(masker, schedule, self.step)
            self.step += 1

    return [] if schedule.growth in AT_ONCE else [Tighten()]


def _update(masker: Masker, schedule: Schedule, step: int) -> None:
    if schedule.due(step):
        masker.choose(schedule.share(step))
        masker.hold()
    if schedule.growth is Growth.CONSTANT:
        masker.apply()
        if step < schedule.last:
            masker.release()


def _settle(variables: Sequence[Any], masks: Sequence[Mask]) -> None:
    """Check that the masks held, and turn negative zeros into zeros."""
    for variable, stays in zip(variables, masks, strict=True):
        weights = variable.numpy()
        revived = int(np.count_nonzero(weights[~stays]))
        if revived:
            raise CheckFailedError(
                f"{variable.path}: {revived} pruned weights are not zero after fine-tuning",
                "its train_step() sets weights past the optimizer; prune it without that",
            )
        variable.assign(np.where(stays, weights, np.float32(0)))
