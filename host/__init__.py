"""What runs on the user's machine; `Board` is the way in from other programs: docs/api.md."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tinykit.host.board import Board, Prediction

__all__ = ["Board", "Prediction"]


def __getattr__(name: str) -> object:
    """Import the board when it is asked for: the command line starts without it."""
    if name in __all__:
        from tinykit.host import board

        return getattr(board, name)
    raise AttributeError(f"module 'tinykit.host' has no attribute '{name}'")
