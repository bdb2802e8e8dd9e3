"""Task: two steps of the Game of Life at once.

From random weights this is rarely learned (Springer and Kenyon, 2020), so the network begins with
that of one step, twice, and learns to do both.
"""

from typing import Any

import numpy as np

from tinykit.core.data import DataSet
from tinykit.train import life
from tinykit.train.splits import Splits

EPOCHS = 4
BATCH_SIZE = life.BATCH_SIZE
LEARNING_RATE = 1e-3
LABELS = life.LABELS
SPARSITY = 0.75
PRUNE_EPOCHS = 20
PRUNE_LEARNING_RATE = 3e-3
BEGINS_WITH = "life"

TEST_BOARDS = 10_000


def build_model() -> Any:
    """Build the network of 5 312 weights."""
    import keras

    board = keras.Input((life.SIDE, life.SIDE, 1), name="board")
    steps = [*life.step_layers(life.MAPS, "_first"), *life.step_layers(life.MAPS, "_second")]
    return keras.Sequential([board, *steps], name="life_two")


def begin_from(model: Any, earlier: Any) -> None:
    """Let both steps begin as the network of one step ended."""
    weights = earlier.get_weights()
    model.set_weights([*weights, *weights])


def load_data(rng: np.random.Generator) -> Splits:
    """Generate boards; those of the test hold all neighbourhoods of the first step."""
    exhaustive = life.exhaustive_boards()
    more = life.random_boards(TEST_BOARDS - len(exhaustive), rng)
    return Splits(
        _data(life.random_boards(life.TRAIN_BOARDS, rng)),
        _data(life.random_boards(life.VALIDATION_BOARDS, rng)),
        _data(np.concatenate([exhaustive, more])),
    )


def _data(boards: life.Boards) -> DataSet:
    return DataSet(boards, life.next_board(life.next_board(boards)), life.LABELS)
