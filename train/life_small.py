"""Task: one step of the Game of Life with 16 hidden maps, half of those of the task `life`.

So small, a network that is pruned keeps what it knew in about six tries of ten, and from some dense
networks in none. So if samples held out say that something was lost, another one is trained, and
pruned.
"""

from typing import Any

import numpy as np

from tinykit.train import life
from tinykit.train.splits import Splits

EPOCHS = 15
BATCH_SIZE = life.BATCH_SIZE
LEARNING_RATE = life.LEARNING_RATE
LABELS = life.LABELS
SPARSITY = 0.9
PRUNE_EPOCHS = 40
PRUNE_LEARNING_RATE = life.PRUNE_LEARNING_RATE
PRUNE_TRIES = 12
PRUNE_FRESH_EPOCHS = EPOCHS

MAPS = 16


def build_model() -> Any:
    """Build the network of 816 weights."""
    import keras

    board = keras.Input((life.SIDE, life.SIDE, 1), name="board")
    return keras.Sequential([board, *life.step_layers(MAPS)], name="life_small")


def load_data(rng: np.random.Generator) -> Splits:
    """Generate boards as `life` does."""
    return life.load_data(rng)
