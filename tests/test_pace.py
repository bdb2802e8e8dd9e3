"""How seldom a link gives up is what docs/protocol.md says."""

import itertools

from models import ROOT

from tinykit.host.frame import Frame, FrameType, encode
from tinykit.host.pace import (
    BOARD_PATIENCE,
    EMULATOR_PATIENCE,
    GAINS_BEFORE_DOUBLING,
    LEAST_CHUNK_BYTES,
    Pace,
)

RATE = 1e-3  # of bytes that are hit
DOCUMENT = (ROOT / "docs" / "protocol.md").read_text()


def exchange_bytes(there: int, back: int) -> int:
    """Return the bytes on the line, with the delimiter in front of the request."""
    frames = [Frame(FrameType.WRITE, 0x0101, 0x01010101, b"\x01" * n) for n in (there, back)]
    return 1 + sum(len(encode(frame)) for frame in frames)


def loss(there: int, back: int) -> float:
    return 1 - (1 - RATE) ** exchange_bytes(there, back)


def losses(pace: Pace, attempts: int) -> float:
    """Return the chance that so many attempts in a row are lost."""
    chance = 1.0
    for _ in range(attempts):
        chance *= loss(pace.chunk_bytes, 0)
        pace.lost()
    return chance


def attempts_within(wait_s: float) -> int:
    """Return how many attempts there are before silence is believed."""
    pace = Pace(BOARD_PATIENCE, 115200)
    pace.answered(FrameType.WRITE, wait_s / 3, 0)
    waits = (pace.wait_s(FrameType.WRITE, attempt) for attempt in itertools.count())
    waited = itertools.accumulate(waits)
    return next(n for n, s in enumerate(waited, 1) if pace.hopeless(FrameType.WRITE, n, s))


def test_the_chances_in_the_document_are_those_of_the_code() -> None:
    for size in (492, 246, 123, 61, 32):
        row = f"{exchange_bytes(size, 0)} | {loss(size, 0):.3f} |"
        assert row in DOCUMENT, row
    assert f"`hello` | {exchange_bytes(0, 92)} | {loss(0, 92):.3f} |" in DOCUMENT
    assert exchange_bytes(492, 0) == exchange_bytes(0, 12 + 480)
    assert BOARD_PATIENCE.least_attempts == 12
    assert f"{losses(Pace(BOARD_PATIENCE, 115200), 12):.1e}" == "2.6e-11"
    assert f"{loss(0, 92) ** 12:.0e}" == "7e-12"


def test_a_usual_line_has_more_attempts_than_the_fewest() -> None:
    assert attempts_within(0.05) == 37
    assert f"{losses(Pace(BOARD_PATIENCE, 115200), 37):.0e}" == "2e-41"
    assert attempts_within(3 * 0.046) == 20
    assert f"{losses(Pace(BOARD_PATIENCE, 115200), 20):.0e}" == "6e-21"


def test_chunks_shrink_and_grow_within_their_bounds() -> None:
    pace = Pace(BOARD_PATIENCE, 115200)
    sizes = []
    for _ in range(30):
        pace.lost()
        sizes.append(pace.chunk_bytes)
    assert sizes[:6] == [492, 246, 246, 123, 123, 61]
    assert sizes[-1] == LEAST_CHUNK_BYTES
    for _ in range(10 * GAINS_BEFORE_DOUBLING):
        pace.answered(FrameType.WRITE, 0.001, 0)
    assert pace.chunk_bytes == 492


def test_waits_follow_the_board() -> None:
    pace = Pace(BOARD_PATIENCE, 115200)
    unknown = pace.wait_s(FrameType.RUN, 0)
    pace.answered(FrameType.RUN, 2.0, 0)
    assert pace.wait_s(FrameType.RUN, 0) == 6.0 > unknown
    assert pace.wait_s(FrameType.RUN, 8) == 12.0
    for _ in range(100):
        pace.answered(FrameType.RUN, 0.001, 0)
    assert pace.wait_s(FrameType.RUN, 0) == BOARD_PATIENCE.least_s
    pace.answered(FrameType.RUN, 0.1, 0)
    pace.asked_too_early(FrameType.RUN)
    assert pace.wait_s(FrameType.RUN, 0) == 6 * 0.1


def test_an_emulator_is_only_waited_for() -> None:
    pace = Pace(EMULATOR_PATIENCE, 115200)
    pace.answered(FrameType.WRITE, 0.001, 0)
    assert pace.wait_s(FrameType.WRITE, 0) == 30.0
