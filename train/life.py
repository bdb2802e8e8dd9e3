"""Task: one step of Conway's Game of Life, learned by a network far larger than it needs.

Nets of the least size that can hold the rule rarely learn it; over-complete ones do (Springer and
Kenyon, "It's Hard for Neural Networks To Learn the Game of Life", 2020), and pruning finds the
small net in them. The same shape is meant here: `MAPS` times the least number of maps.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from tinykit.core.data import DataSet
from tinykit.train.splits import Splits

EPOCHS = 10
BATCH_SIZE = 64
LEARNING_RATE = 1e-2
LABELS = ("dead", "alive")
SPARSITY = 0.9
PRUNE_EPOCHS = 25
PRUNE_LEARNING_RATE = 1e-2

SIDE = 10
MAPS = 32
TRAIN_BOARDS = 4096
VALIDATION_BOARDS = 512
RANDOM_TEST_BOARDS = 263

Boards = NDArray[np.float32]


def build_model() -> Any:
    """Build the network of a step."""
    import keras

    board = keras.Input((SIDE, SIDE, 1), name="board")
    return keras.Sequential([board, *step_layers(MAPS)], name="life")


def step_layers(maps: int, suffix: str = "") -> list[Any]:
    """Return layers: what a cell's neighbours add up to, then what follows from it."""
    from keras.layers import Conv2D

    return [
        Conv2D(2 * maps, 3, padding="same", activation="relu", name=f"neighbours{suffix}"),
        Conv2D(maps, 1, activation="relu", name=f"rule{suffix}"),
        Conv2D(1, 1, activation="sigmoid", name=f"alive{suffix}"),
    ]


def load_data(rng: np.random.Generator) -> Splits:
    """Generate boards; the test split holds all neighbourhoods as well as random boards."""
    test = np.concatenate([exhaustive_boards(), random_boards(RANDOM_TEST_BOARDS, rng)])
    return Splits(
        _data(random_boards(TRAIN_BOARDS, rng)),
        _data(np.concatenate([exhaustive_boards(), random_boards(VALIDATION_BOARDS, rng)])),
        _data(test),
    )


def next_board(boards: NDArray[np.generic]) -> NDArray[np.int64]:
    """Apply the exact rule to boards (n, h, w, 1) of 0 and 1; what lies outside is dead."""
    alive = boards.astype(np.int64)
    height, width = alive.shape[1:3]
    padded = np.pad(alive, ((0, 0), (1, 1), (1, 1), (0, 0)))
    around = -alive
    for row in range(3):
        for column in range(3):
            around += padded[:, row : row + height, column : column + width]
    survives = (alive == 1) & (around == 2)
    alive_next: NDArray[np.bool_] = survives | (around == 3)
    return alive_next.astype(np.int64)


def random_boards(count: int, rng: np.random.Generator) -> Boards:
    """Draw boards float32 (count, SIDE, SIDE, 1), each of another density from 5 to 95 %."""
    density = rng.uniform(0.05, 0.95, (count, 1, 1, 1))
    return (rng.random((count, SIDE, SIDE, 1)) < density).astype(np.float32)


def exhaustive_boards() -> Boards:
    """Make boards that hold every neighbourhood that a cell can have.

    All 512 around cells in the interior, all 64 along each edge and all 16 in each corner.
    """
    return np.concatenate([_interior_boards(), _edge_boards(), _corner_boards()])


def _data(boards: Boards) -> DataSet:
    return DataSet(boards, next_board(boards), LABELS)


def _interior_boards() -> Boards:
    places = [(row, column) for row in range(0, 9, 3) for column in range(0, 9, 3)]
    boards = np.zeros((-(-512 // len(places)), SIDE, SIDE, 1), np.float32)
    for pattern in range(512):
        row, column = places[pattern % len(places)]
        boards[pattern // len(places), row : row + 3, column : column + 3, 0] = _bits(pattern, 3, 3)
    return boards


def _edge_boards() -> Boards:
    """Set the six cells around the middle of each edge; the four edges do not touch."""
    boards = np.zeros((64, SIDE, SIDE, 1), np.float32)
    for pattern in range(64):
        wide, tall = _bits(pattern, 2, 3), _bits(pattern, 3, 2)
        boards[pattern, :2, 4:7, 0] = boards[pattern, -2:, 4:7, 0] = wide
        boards[pattern, 4:7, :2, 0] = boards[pattern, 4:7, -2:, 0] = tall
    return boards


def _corner_boards() -> Boards:
    boards = np.zeros((16, SIDE, SIDE, 1), np.float32)
    for pattern in range(16):
        cells = _bits(pattern, 2, 2)
        boards[pattern, :2, :2, 0] = boards[pattern, :2, -2:, 0] = cells
        boards[pattern, -2:, :2, 0] = boards[pattern, -2:, -2:, 0] = cells
    return boards


def _bits(pattern: int, rows: int, columns: int) -> NDArray[np.float32]:
    bits = [(pattern >> place) & 1 for place in range(rows * columns)]
    return np.array(bits, np.float32).reshape(rows, columns)
