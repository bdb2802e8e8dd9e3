"""The way in which long work says how far it is."""

from typing import Protocol


class Progress(Protocol):
    """Take note of progress; the caller draws it."""

    def __call__(self, stage: str, done: float, text: str) -> None:
        """Note that `stage` is `done` (0 to 1), with a short text such as "loss 0.12"."""


def no_progress(stage: str, done: float, text: str) -> None:
    """Take no note."""
