"""Count what kernels take for each piece of work, and write codegen/counts.toml.

python tests/counting.py                     every core and level
python tests/counting.py dsp                 one core only, the others stay
python tests/counting.py tk_bitmap_s8 ..     these kernels only
"""

import sys
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from embedded import count_instructions
from flat import FlatModel, to_bytes
from probes import probes

from tinykit.codegen.compile import Compiled, compile_model
from tinykit.codegen.cost import COUNTS, Counts, read_counts
from tinykit.codegen.layer import LowerOptions

CORES = {  # of the table, and one of embedded.CORES that has it
    "dsp": "cortex_m4",
    "armv7m": "cortex_m3",
    "armv6m": "cortex_m0",
    "riscv32": "riscv32",
}
LEVELS = ("size", "balanced", "speed")
ENCODINGS = ("dense", "sparse", "block", "bitmap", "codebook")
_HEAD = """\
# How many instructions kernels take for each piece of work (codegen/work.py), by core and level of
# --optimize, compiled by zig. Written by tests/counting.py from counts of emulated cores, and held
# to by tests/test_cost_model.py.
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """Hold what a kernel had to do, and what that took."""

    work: dict[str, float]
    instructions: int


def options_for(core: str, level: str, encoding: str) -> LowerOptions:
    """Return how a layer is compiled for a core of the table."""
    dsp = core == "dsp"
    return LowerOptions(level, encoding, dsp, "armv7m" if dsp else core)


def counted(
    core: str, level: str, layers: list[FlatModel], folder: Path, kernels: Sequence[str] = ()
) -> dict[str, list[Sample]]:
    """Run models of one layer each in each encoding that it has: what each kernel took.

    Args:
        core, level: of the table.
        layers: the models.
        folder: an empty one.
        kernels: which; empty for all.
    """
    models: list[Compiled] = []
    for encoding in ENCODINGS:
        options = options_for(core, level, encoding)
        for layer in layers:
            name = f"p{len(models):04d}"
            data = to_bytes(layer, f"{name}_")
            model = compile_model(data, f"{name}.tflite", "0", options)
            (call,) = model.program.layers
            if call.encoding == encoding and (not kernels or call.kernel in kernels):
                models.append(model)
    found: dict[str, list[Sample]] = defaultdict(list)
    counts = count_instructions(models, CORES[core], level, folder) if models else []
    for model, instructions in zip(models, counts, strict=True):
        (layer,) = model.program.layers
        found[layer.kernel].append(Sample(layer.work, instructions))
    return found


def fit(samples: list[Sample]) -> tuple[dict[str, float], float]:
    """Find what each piece of work takes, none of it less than nothing, and the largest error."""
    names = sorted({name for sample in samples for name in sample.work})
    work = np.array([[s.work.get(name, 0) for name in names] for s in samples], float)
    took = np.array([s.instructions for s in samples], float)
    share = work / took[:, None]
    used = [i for i in range(len(names)) if share[:, i].any()]
    while True:
        each = np.linalg.lstsq(share[:, used], np.ones(len(took)), rcond=None)[0]
        if each.min() >= 0:
            break
        used.pop(int(each.argmin()))
    counts = dict.fromkeys(names, 0.0)
    counts.update({names[i]: float(f"{n:.4g}") for i, n in zip(used, each.round(6), strict=True)})
    error = float(np.abs(work @ np.array(list(counts.values())) / took - 1).max())
    return counts, error


def predicted(core: str, level: str, kernel: str, work: dict[str, float]) -> float:
    """Return what the table says of a kernel."""
    counts = read_counts()[core][level][kernel]
    return sum(counts[what] * amount for what, amount in work.items())


def count(core: str, level: str, kernels: Sequence[str] = ()) -> Counts:
    """Count one core and level, of all kernels or these."""
    with tempfile.TemporaryDirectory() as folder:
        samples = counted(core, level, list(probes(0)), Path(folder), kernels)
    found = {}
    for kernel in sorted(samples):
        found[kernel], error = fit(samples[kernel])
        print(core, level, kernel, len(samples[kernel]), f"{100 * error:.1f} %", flush=True)
    return found


def table(counts: dict[str, dict[str, Counts]]) -> str:
    """Return the file's text."""
    text = _HEAD
    for core in CORES:
        for level, kernels in counts.get(core, {}).items():
            text += f"\n[{core}.{level}]\n"
            for kernel, each in sorted(kernels.items()):
                row = ", ".join(f'"{what}" = {n:g}' for what, n in each.items())
                text += f"{kernel} = {{ {row} }}\n"
    return text


def main() -> None:
    """Write the table."""
    kernels = [name for name in sys.argv[1:] if name.startswith("tk_")]
    counts = dict(read_counts()) if COUNTS.exists() else {}
    for core in [name for name in sys.argv[1:] if name in CORES] or list(CORES):
        found = {level: count(core, level, kernels) for level in LEVELS}
        stay = counts.get(core, {}) if kernels else {}
        counts[core] = {level: stay.get(level, {}) | found[level] for level in LEVELS}
        COUNTS.write_text(table(counts))


if __name__ == "__main__":
    main()
