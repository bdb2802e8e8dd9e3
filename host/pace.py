"""How long to wait for an answer, how often to ask again, and how much to send at once.

docs/protocol.md, Losses, computes how seldom this gives up on a line that only loses bytes.
"""

from dataclasses import dataclass

from tinykit.host.frame import MAX_ENCODED_BYTES, MAX_PAYLOAD_BYTES, FrameType

MAX_ATTEMPTS = 48
LEAST_CHUNK_BYTES = 32
LOSSES_BEFORE_HALVING = 2
GAINS_BEFORE_DOUBLING = 32

_COMPUTING = (FrameType.RUN, FrameType.TRACE)
_SLACK = 3.0  # times the longest answer of late
_FORGET = 0.125  # of the difference, each time an answer came faster
_BITS_A_BYTE = 10  # with start and stop bit


@dataclass(frozen=True, slots=True)
class Patience:
    """Say how long a board may take.

    Attributes:
        first_s: to answer while nothing is known of its pace.
        least_s: what it is always given: adapters hold bytes back for 16 ms, and hosts are busy.
        silence_s: without a valid frame for so long, it is given up.
        run_first_s, run_silence_s: the same where the board computes: run and trace.
        least_attempts: before silence is believed.
        replug_s: to come back after its port has gone.
    """

    first_s: float = 0.25
    least_s: float = 0.05
    silence_s: float = 6.0
    run_first_s: float = 0.5
    run_silence_s: float = 60.0
    least_attempts: int = 12
    replug_s: float = 15.0


BOARD_PATIENCE = Patience()
# Its line loses nothing, and it computes a thousand times slower than the board: only wait.
EMULATOR_PATIENCE = Patience(30.0, 30.0, 90.0, 600.0, 600.0, 3, 0.0)


class Pace:
    """Hold what has been learned of one board's line: the time of its answers, its losses."""

    def __init__(self, patience: Patience, baud: int) -> None:
        self.patience = patience
        self.halvings = 0
        self._wire_s = 2 * MAX_ENCODED_BYTES * _BITS_A_BYTE / baud
        self._longest_s: dict[int, float] = {}
        self._chunk_bytes = MAX_PAYLOAD_BYTES
        self._losses = 0
        self._gains = 0

    @property
    def chunk_bytes(self) -> int:
        """Return how many bytes a frame should carry."""
        return self._chunk_bytes

    def wait_s(self, kind: int, attempt: int) -> float:
        """Return how long to wait for the answer to one attempt, counted from 0."""
        longest_s = self._longest_s.get(kind)
        if longest_s is None:
            first_s = self.patience.run_first_s if kind in _COMPUTING else self.patience.first_s
            expected_s = first_s + self._wire_s
        else:
            expected_s = max(_SLACK * longest_s, self.patience.least_s)
        return expected_s * (1 + attempt / 8)

    def hopeless(self, kind: int, attempts: int, silent_s: float) -> bool:
        """Tell whether a board from which no valid frame came for so long is to be given up."""
        return attempts >= self.patience.least_attempts and silent_s >= self._silence_s(kind)

    def answered(self, kind: int, elapsed_s: float, attempt: int) -> None:
        """Learn from an answer; which attempt a late one belongs to cannot be told."""
        self._losses = 0
        if attempt:
            return
        longest_s = self._longest_s.get(kind, elapsed_s)
        self._longest_s[kind] = max(elapsed_s, longest_s + _FORGET * (elapsed_s - longest_s))
        self._gains += 1
        if self._gains == GAINS_BEFORE_DOUBLING:
            self._gains = 0
            self._chunk_bytes = min(2 * self._chunk_bytes, MAX_PAYLOAD_BYTES)

    def lost(self) -> None:
        """Learn that no answer came in time."""
        self._gains = 0
        self._losses += 1
        if self._losses % LOSSES_BEFORE_HALVING == 0 and self._chunk_bytes > LEAST_CHUNK_BYTES:
            self._chunk_bytes = max(self._chunk_bytes // 2, LEAST_CHUNK_BYTES)
            self.halvings += 1

    def asked_too_early(self, kind: int) -> None:
        """Learn that a second answer came: the first was late, not lost."""
        longest_s = self._longest_s.get(kind)
        if longest_s is not None:
            self._longest_s[kind] = min(2 * longest_s, self._silence_s(kind) / 2)

    def _silence_s(self, kind: int) -> float:
        computing = kind in _COMPUTING
        return self.patience.run_silence_s if computing else self.patience.silence_s
