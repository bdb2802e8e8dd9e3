"""Take typed values from a TOML file; every mistake is told with the file and the key."""

import difflib
import math
import tomllib
from collections.abc import Mapping
from dataclasses import MISSING
from pathlib import Path

from tinykit.core.errors import TinykitError


class TomlReader:
    """Take typed values from TOML tables; errors name the file and the key."""

    def __init__(self, file: str, example: str) -> None:
        self.file = file
        self.example = example

    def parse(self, path: Path) -> dict[str, object]:
        """Return the tables of the file."""
        try:
            return tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise TinykitError(f"{path}: {error.strerror}", self.example) from None
        except UnicodeDecodeError:
            raise TinykitError(f"{self.file} is not UTF-8 text", "save it as UTF-8") from None
        except tomllib.TOMLDecodeError as error:
            raise self.error(f"not TOML: {error}", self.example) from None

    def error(self, message: str, hint: str) -> TinykitError:
        """Return an error that names the file."""
        return TinykitError(f"{self.file}: {message}", hint)

    def keys(self, table: Mapping[str, object], prefix: str, record: type) -> None:
        """Refuse keys that a record has not, and missing ones that it wants."""
        wanted = _fields(record)
        for key in sorted(table.keys() - set(wanted)):
            near = difflib.get_close_matches(key, wanted, n=1)
            hint = f"did you mean {prefix}{near[0]}?" if near else f"known: {', '.join(wanted)}"
            raise self.error(f"unknown key {prefix}{key}", hint)
        for key in wanted:
            if key not in table and not _is_optional(record, key):
                raise self.error(f"{prefix}{key} is missing", self.example)

    def table(self, table: Mapping[str, object], key: str, record: type) -> Mapping[str, object]:
        """Return a table whose keys are those of a record."""
        value = table[key]
        if not isinstance(value, dict):
            raise self.error(f"{key} is {value!r}, not a table", f"write [{key}]")
        self.keys(value, f"{key}.", record)
        return value

    def tables(
        self, table: Mapping[str, object], name: str, record: type
    ) -> list[Mapping[str, object]]:
        """Return the tables of an array, none where there is no such key."""
        value = table.get(name.rpartition(".")[2], [])
        if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
            raise self.error(f"{name} is {value!r}, not an array of tables", f"write [[{name}]]")
        for item in value:
            self.keys(item, f"{name}.", record)
        return value

    def number(self, table: Mapping[str, object], name: str) -> float:
        """Return a number that is not negative."""
        value = table[name.rpartition(".")[2]]
        if not isinstance(value, int | float) or isinstance(value, bool):
            raise self.error(f"{name} is {_shown(value)}, not a number", "no quotes")
        if not 0 <= value < math.inf:
            raise self.error(f"{name} is {value}", "use a positive number")
        return float(value)

    def integer(self, table: Mapping[str, object], name: str) -> int:
        """Return an integer that is not negative."""
        value = table[name.rpartition(".")[2]]
        if type(value) is not int:
            raise self.error(f"{name} is {_shown(value)}, not an integer", "no quotes, no fraction")
        if value < 0:
            raise self.error(f"{name} is {value}, which is negative", "use a positive number")
        return value

    def text(self, table: Mapping[str, object], name: str) -> str:
        """Return a text that is not empty."""
        value = table[name.rpartition(".")[2]]
        if not isinstance(value, str) or not value:
            raise self.error(f"{name} is {_shown(value)}, not a text", 'write it in "quotes"')
        return value

    def texts(self, table: Mapping[str, object], name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        value = table[name.rpartition(".")[2]]
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            hint = 'write it as ["one", "two"]'
            raise self.error(f"{name} is {_shown(value)}, not a list of texts", hint)
        return tuple(value)

    def truth(self, table: Mapping[str, object], name: str) -> bool:
        """Return true or false."""
        value = table[name.rpartition(".")[2]]
        if not isinstance(value, bool):
            raise self.error(f"{name} is {_shown(value)}, not true or false", "no quotes")
        return value


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else repr(value)


def _fields(record: type) -> tuple[str, ...]:
    return tuple(record.__dataclass_fields__)  # type: ignore[attr-defined]


def _is_optional(record: type, key: str) -> bool:
    return record.__dataclass_fields__[key].default is not MISSING  # type: ignore[attr-defined]
