"""[budget] of tinykit.toml: what a build may cost, and how right it must be."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from tinykit.core.errors import TinykitError


@dataclass(frozen=True, slots=True)
class Budget:
    """Hold the limits of a project; None limits nothing.

    Attributes:
        flash, ram: the most bytes that the image may take, application and stack included.
        instructions: the most that one inference may take.
        accuracy: the least share of right answers, 0 to 1.
        mismatches: the most answers that may differ from the oracle's.
    """

    flash: int | None = None
    ram: int | None = None
    instructions: int | None = None
    accuracy: float | None = None
    mismatches: int = 0  # exactness is the promise, whether a budget says so or not


def read_budget(table: Mapping[str, Any], where: Callable[[str], str]) -> Budget:
    """Turn the TOML table into limits.

    Args:
        table: the keys and values under [budget].
        where: says file and line of a key, for messages.

    Raises:
        TinykitError: an unknown key, or a value that cannot be a limit.
    """
    known = {field.name for field in fields(Budget)}
    for key, value in table.items():
        if key not in known:
            raise TinykitError(
                f"{where(key)}: unknown key '{key}' in [budget]",
                f"keys: {', '.join(sorted(known))}; the file's other keys come before [budget]",
            )
        if key == "accuracy":
            _check_share(where(key), value)
        else:
            _check_count(where(key), key, value)
    return Budget(**table)


def _check_count(where: str, key: str, value: object) -> None:
    if not isinstance(value, int) or isinstance(value, bool):
        unit = " of bytes" if key in ("flash", "ram") else ""
        raise TinykitError(
            f"{where}: {key} is {value!r}, not a whole number{unit}", f"{key} = 20000"
        )
    if value < 0:
        raise TinykitError(f"{where}: {key} is {value}, which is negative", f"{key} = 20000")


def _check_share(where: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise TinykitError(
            f"{where}: accuracy is {value!r}, not a share from 0 to 1", "accuracy = 0.97"
        )
