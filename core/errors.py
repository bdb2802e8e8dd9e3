"""The errors that tinykit shows to its users: what happened, and what to type next."""


class TinykitError(Exception):
    """Report a mistake in what the user gave us; the command ends with status 2.

    Args:
        message: what is wrong, with the numbers; lower case, no full stop.
        hint: what to type or to change next.
    """

    exit_status = 2

    def __init__(self, message: str, hint: str) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class CheckFailedError(TinykitError):
    """Report a check that ran and failed (a mismatch, over budget); status 1."""

    exit_status = 1


class MissingToolError(TinykitError):
    """Report a device or a tool that is not there; status 3."""

    exit_status = 3
