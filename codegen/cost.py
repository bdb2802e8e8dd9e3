"""What a kernel call costs: bytes of flash as they are, and instructions as they are predicted."""

import functools
import tomllib
from dataclasses import dataclass
from pathlib import Path

from tinykit.codegen.layer import Layer, LowerOptions

COUNTS = Path(__file__).with_name("counts.toml")
Counts = dict[str, dict[str, float]]  # kernel, piece of work: instructions


@dataclass(frozen=True, slots=True)
class Cost:
    """Hold bytes of all tables, and instructions of one call."""

    bytes: int
    instructions: float


def cost_of(layer: Layer, options: LowerOptions) -> Cost:
    """Return what a layer with weights costs on the core that is compiled for."""
    counts = read_counts()[core_of(options)][options.optimize][layer.kernel]
    instructions = sum(counts[what] * amount for what, amount in layer.work.items() if amount)
    return Cost(sum(table.bytes for table in layer.tables), instructions)


def core_of(options: LowerOptions) -> str:
    """Return the name of the core in the table."""
    return "dsp" if options.dsp else options.core


@functools.cache
def read_counts() -> dict[str, dict[str, Counts]]:
    """Read the table: core, level, kernel."""
    return tomllib.loads(COUNTS.read_text())
