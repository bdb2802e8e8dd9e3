import numpy as np

from tinykit.train.life import SIDE, exhaustive_boards, next_board, random_boards


def _neighbourhoods(boards: np.ndarray, row: int, column: int) -> set[bytes]:
    padded = np.pad(boards[..., 0], ((0, 0), (1, 1), (1, 1)))
    return {
        patch.tobytes() for patch in padded[:, row : row + 3, column : column + 3].astype(np.int8)
    }


def test_life_moves_a_glider() -> None:
    board = np.zeros((1, SIDE, SIDE, 1))
    for row, column in ((0, 1), (1, 2), (2, 0), (2, 1), (2, 2)):
        board[0, row, column] = 1
    later = board
    for _ in range(4):
        later = next_board(later)
    assert np.array_equal(later, np.roll(board, (1, 1), (1, 2)))


def test_life_counts_cells_outside_the_board_as_dead() -> None:
    assert next_board(np.ones((1, 2, 2, 1))).tolist() == np.ones((1, 2, 2, 1)).tolist()
    assert next_board(np.ones((1, 3, 3, 1)))[0, :, :, 0].tolist() == [
        [1, 0, 1],
        [0, 0, 0],
        [1, 0, 1],
    ]


def test_life_exhaustive_boards_hold_every_neighbourhood_there_is() -> None:
    boards = exhaustive_boards()
    interior = [
        _neighbourhoods(boards, row, column)
        for row in range(1, SIDE - 1)
        for column in range(1, SIDE - 1)
    ]
    assert len(set.union(*interior)) == 512
    last, middle = SIDE - 1, SIDE // 2
    edges = ((0, middle), (last, middle), (middle, 0), (middle, last))
    assert [len(_neighbourhoods(boards, *edge)) for edge in edges] == [64] * 4
    corners = ((0, 0), (0, last), (last, 0), (last, last))
    assert [len(_neighbourhoods(boards, *corner)) for corner in corners] == [16] * 4


def test_life_random_boards_follow_the_generator_alone() -> None:
    one, two = (random_boards(20, np.random.default_rng(7)) for _ in range(2))
    assert np.array_equal(one, two)
    assert one.mean(axis=(1, 2, 3)).std() > 0.2
