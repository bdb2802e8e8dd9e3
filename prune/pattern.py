"""Name which weights become zero together: single ones, blocks, N of M, whole channels."""

import re
from dataclasses import dataclass

from tinykit.core.errors import TinykitError

EXPECTED = (
    "weights; OUTPUTSxINPUTS for blocks such as 4x1; N:M for N of M inputs kept such as 2:4; "
    "or channels"
)
MOST = 256  # weights of a block or a group, more than any kernel takes at once


@dataclass(frozen=True, slots=True)
class Blocks:
    """Prune blocks of a layer's matrix, outputs by inputs; 1 by 1 is every weight by itself.

    Inputs follow one another as kernels read them: row, column, channel. A block of four outputs
    by one input is what the dense kernels load at once.
    """

    outputs: int = 1
    inputs: int = 1

    def __str__(self) -> str:
        """Write it as it is typed."""
        single = (self.outputs, self.inputs) == (1, 1)
        return "weights" if single else f"{self.outputs}x{self.inputs}"


@dataclass(frozen=True, slots=True)
class KeepSome:
    """Keep `kept` of every `group` successive inputs of each output."""

    kept: int
    group: int

    def __str__(self) -> str:
        """Write it as it is typed."""
        return f"{self.kept}:{self.group}"


@dataclass(frozen=True, slots=True)
class WholeChannels:
    """Prune whole output channels, with all that only they need."""

    def __str__(self) -> str:
        """Write it as it is typed."""
        return "channels"


Pattern = Blocks | KeepSome | WholeChannels
WEIGHTS = Blocks()


def parse_pattern(text: str) -> Pattern:
    """Read a pattern as it is typed.

    Raises:
        TinykitError: it is none.
    """
    if text in ("weights", "channels"):
        return WEIGHTS if text == "weights" else WholeChannels()
    numbers = re.fullmatch(r"(\d+)([x:])(\d+)", text)
    if numbers is None:
        raise TinykitError(f"no pattern '{text}'", f"--pattern {EXPECTED}")
    first, second = int(numbers[1]), int(numbers[3])
    if numbers[2] == ":":
        if not 1 <= first < second <= MOST:
            raise TinykitError(
                f"the pattern {text} keeps {first} of {second}",
                f"N:M keeps at least 1 and fewer than M, which is at most {MOST}: 2:4",
            )
        return KeepSome(first, second)
    if first * second not in range(1, MOST + 1):
        raise TinykitError(
            f"the pattern {text} has blocks of {first * second} weights",
            f"1 to {MOST} weights: 4x1",
        )
    return Blocks(first, second)
