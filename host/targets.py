"""Read what a network may cost: flash=20k, ram=8k, instructions=400k."""

import re

from tinykit.core.errors import TinykitError

EXPECTED = "--target flash=20k, ram=8k or instructions=400k (k is 1024 bytes, or 1000 instructions)"
_BYTES = {"": 1, "k": 1024, "m": 1024**2}
_COUNT = {"": 1, "k": 1000, "m": 1000**2}
_UNITS = {"flash": _BYTES, "ram": _BYTES, "instructions": _COUNT}


def parse_targets(texts: list[str]) -> dict[str, int]:
    """Read targets as they are typed, several with commas between them or by several options.

    Raises:
        TinykitError: one is none, or is there twice.
    """
    targets: dict[str, int] = {}
    for text in (part for each in texts for part in each.split(",")):
        match = re.fullmatch(r"(flash|ram|instructions)=(\d+(?:\.\d+)?)([kKmM]?)", text.strip())
        if match is None:
            raise TinykitError(f"'{text}' is no target", EXPECTED)
        name, number = match[1], float(match[2])
        if name in targets:
            raise TinykitError(f"{name} has two targets", EXPECTED)
        targets[name] = round(number * _UNITS[name][match[3].lower()])
        if targets[name] == 0:
            raise TinykitError(f"'{text}' is nothing at all", EXPECTED)
    return targets
