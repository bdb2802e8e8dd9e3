"""What every emulator of a board has in common: a port, a profile of one inference, an end."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from tinykit.core.errors import CheckFailedError, TinykitError
from tinykit.host.link import Result


class EmulationError(CheckFailedError):
    """Report what an emulator refused, or what went wrong in it; status 1."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Give instructions counted exactly; None where the emulator does not tell.

    Attributes:
        instructions: executed.
        cycles_estimate: of those instructions.
        stack_bytes: below the call's entry.
        jumps: how often the code went on elsewhere than behind a block of it.
    """

    instructions: int
    cycles_estimate: int | None
    stack_bytes: int | None
    jumps: int | None = None


@dataclass(frozen=True, slots=True)
class Block:
    """Give what a block of straight code at an address has cost in one call."""

    address: int
    instructions: int
    cycles_estimate: int


@dataclass(frozen=True, slots=True)
class Profile:
    """Give the cost of the last completed call of `invoke`, from its call to its return.

    `layers` has one entry a kernel call; what `invoke` does itself counts for the kernel that it
    prepares. `blocks` is all the code that ran, None where the emulator does not tell.
    """

    total: Cost
    layers: tuple[Cost, ...]
    blocks: tuple[Block, ...] | None = None


class Emulator(ABC):
    """Hold an emulated board that runs, until the block ends.

    Attributes:
        port: the path of the pseudo-terminal that is the board's serial port.
    """

    port: str

    def __enter__(self) -> Self:
        """Return the running emulator."""
        return self

    def __exit__(
        self,
        _type: type[BaseException] | None,
        error: BaseException | None,
        _traceback: TracebackType | None,
    ) -> None:
        """End the child; if it refused something, that is the error."""
        refused = None
        try:
            # A link that got no answer has told the symptom, the emulator knows the cause.
            if error is None or isinstance(error, TinykitError):
                refused = self.pending_refusal()
        finally:
            self.close()
        if refused is not None and not isinstance(error, EmulationError):
            raise refused from error

    @property
    @abstractmethod
    def pid(self) -> int:
        """Return the child's process id."""

    @abstractmethod
    def profiled(self, infer: Callable[[], Result]) -> Profile:
        """Return the cost of the one inference that `infer` asks the board for."""

    @abstractmethod
    def pending_refusal(self) -> EmulationError | None:
        """Return what was refused since the last question, without waiting for it."""

    def check(self) -> None:
        """Raise EmulationError if something was refused."""
        refused = self.pending_refusal()
        if refused is not None:
            raise refused

    @abstractmethod
    def close(self) -> None:
        """End the child process; harmless when repeated."""
