"""Measure the models and write docs/benchmarks.md: python tests/benchmarks.py FILE."""

import sys
import tempfile
import tomllib
from dataclasses import dataclass
from pathlib import Path

from models import MODELS, ROOT
from oneshot import one_shot

from tinykit.core.board import find_board
from tinykit.core.units import grouped
from tinykit.host.bench import BenchReport, bench
from tinykit.host.build import BuildOptions, build
from tinykit.host.calibration import calibration_text
from tinykit.host.demo import DemoReport, run_demo
from tinykit.host.loaded import load
from tinykit.host.samples import random_samples
from tinykit.host.session import Place

INPUTS = 5  # whose answers are checked; the instructions are those of one fixed input
DEMOS = ("life", "digits", "sine")
LEVELS = ("speed", "balanced")
PRUNED = (
    ("ad01_int8", 90),
    ("kws_int8", 90),
    ("resnet8_int8", 80),
    ("resnet8_int8", 90),
    ("vww_int8", 90),
)
OTHER_CORES = {
    "microbit": "Cortex-M0",
    "qemu_an385": "Cortex-M3",
    "qemu_an505": "Cortex-M33",
    "qemu_riscv32": "RISC-V, rv32imac",
}
M0PLUS_BASELINE = 28_994_018  # kws on TFLM with CMSIS-NN, counted for a Cortex-M0+


@dataclass(frozen=True, slots=True)
class Baseline:
    """Hold what another engine needs for a model, its harness left out."""

    instructions: int
    cycles_estimate: int
    flash_bytes: int
    ram_bytes: int


BASELINE_SOURCE = (
    "TensorFlow Lite Micro 90b983c2 with CMSIS-NN 4ab83cc3, GCC 12.2.1, Cortex-M4F, "
    "counted under QEMU mps2-an386"
)
BASELINE = {
    "hello_world_int8": Baseline(3_523, 5_010, 29_726, 2_284),
    "ad01_int8": Baseline(582_954, 724_133, 303_998, 4_140),
    "kws_int8": Baseline(7_696_930, 9_171_115, 106_262, 24_728),
    "micro_speech_int8": Baseline(1_495_388, 2_033_024, 61_958, 8_664),
    "resnet8_int8": Baseline(29_862_923, 36_490_330, 148_622, 56_904),
    "vww_int8": Baseline(24_101_936, 29_026_416, 385_614, 102_616),
}


def measure(name: str, board: str, options: BuildOptions, percent: int = 0) -> BenchReport:
    """Build a shared model for a board, so much of it set to zero, and count in an emulator."""
    data = one_shot((MODELS / f"{name}.tflite").read_bytes(), percent / 100)
    facts = find_board(board)
    with tempfile.TemporaryDirectory(prefix="tinykit-") as work:
        folder = Path(work, "build")
        record = build(data, f"{name}.tflite", facts, options, folder)
        samples = random_samples(load(folder, record).graph, INPUTS, seed=1)
        return bench(folder, record, Place(None, facts.emulators[0]), samples)


def measure_dense(name: str) -> dict[str, BenchReport]:
    """Count a shared model with all its zeros, by the level of optimization."""
    return {
        level: measure(name, "nano33", BuildOptions(optimize=level, encoding="dense"))
        for level in LEVELS
    }


def measure_pruned(name: str, percent: int) -> dict[str, BenchReport]:
    """Count a copy of a shared model with so many zeros, by the level of optimization."""
    return {
        level: measure(name, "nano33", BuildOptions(optimize=level), percent) for level in LEVELS
    }


def measure_demo(name: str) -> DemoReport:
    """Train, prune and convert a demo's network with seed 0, and count."""
    with tempfile.TemporaryDirectory(prefix="tinykit-") as work:
        folder = Path(work, name)
        return run_demo(name, "nano33", folder, 0, False, lambda _stage, _done, _text: None)


def page(
    reports: dict[str, BenchReport],
    dense: dict[str, dict[str, BenchReport]],
    pruned: dict[tuple[str, int], dict[str, BenchReport]],
    cores: dict[str, BenchReport],
    demos: dict[str, DemoReport],
) -> str:
    """Return the page's text."""
    some = next(iter(reports.values()))
    pairs = [*dense.values(), *pruned.values()]
    levels = [report for pair in pairs for report in pair.values()]
    require_held(reports, dense)
    demo_reports = [demo.sparse for demo in demos.values()]
    require_exact([*reports.values(), *levels, *cores.values(), *demo_reports])
    return f"""# Benchmarks

Written by `make bench`; the models' figures are held by tests/limits.toml.

Board {some.board} in the unicorn emulator, {some.toolchain}, `--optimize {some.optimize}`,
`--encoding auto`. Instructions are exact: one inference, from the call of `invoke` to its return.
Flash is the model's tables, kernels, generated calls and compiler support; RAM is arena, the
model's static variables and the stack below `invoke`. The application is left out everywhere.
**Cycles are an estimate, not a measurement**:
{some.cycles_source.removeprefix("an estimate: ")}.
Every answer that was compared was byte for byte that of TensorFlow Lite Micro.

## Models that others trained

{_costs(reports)}

As published, none of them pruned by us. All but vww have few zeros, so that their layers are stored
dense; vww came with 971 output channels whose weights are all zero, which are left out here, with
all that only they need. MACs count them all the same.

### Beside TFLite Micro with CMSIS-NN

{BASELINE_SOURCE}.
Its harness is left out, as our application is. Ratios are ours divided by theirs: below 1 is less.
Theirs is compiled by GCC with its release flags, ours by zig: see the two as engines as shipped.

{_ratios(reports)}

Weights, shapes and zero points are known at build time: weights are laid out as the DSP
instructions read them, offsets are folded into biases, tensors are placed, and there is no
interpreter and no model file.

### Dense, for speed and balanced

The same with `--encoding dense`, every zero stored and multiplied, so that only the kernels differ.
Cycles of both sides are the same kind of estimate, so nothing follows about an engine that was
measured: {calibration_text()} ([cycles.md](cycles.md)).

{_dense(dense)}

## The same models, pruned without training

Copies in which the smallest weights of each convolution and dense layer are set to zero, inside of
the .tflite file. Their answers are worth nothing, and are byte for byte those of TensorFlow Lite
Micro: what counts here is what zeros save. Ratios are to TFLite Micro with CMSIS-NN, which takes as
long with zeros as without, and to our own dense build. Depthwise kernels stay as they are.

{_pruned(pruned, dense)}

## Other cores

kws, `--optimize balanced`, counted in QEMU. TFLite Micro with CMSIS-NN takes
{grouped(M0PLUS_BASELINE)} instructions on a Cortex-M0+; Cortex-M0 has the same instructions.

{_cores(cores)}

## Demo networks, pruned to 90 % zeros

Trained, pruned and converted by `tinykit demo` with seed 0; "stored" is the same network with
`--encoding dense`, whose zeros are stored and multiplied.

{_demo_rows(demos)}
"""


def require_exact(reports: list[BenchReport]) -> None:
    """Refuse to publish figures of a wrong answer."""
    wrong = [r.model for r in reports if r.exact["mismatches"] or r.exact["oracle"] != "tflm"]
    if wrong:
        sys.exit(f"not exact, or not compared with TFLM: {', '.join(wrong)}")


def require_held(reports: dict[str, BenchReport], dense: dict[str, dict[str, BenchReport]]) -> None:
    """Refuse to publish figures that tests/limits.toml does not hold."""
    limits = tomllib.loads((ROOT / "tests" / "limits.toml").read_text())
    found = [(name, limits[name], report) for name, report in reports.items()]
    for name, pair in dense.items():
        found += [(name, limits["dense"][level][name], each) for level, each in pair.items()]
    for name, limit, report in found:
        for key, value in (
            ("instructions", report.instructions),
            ("flash_code_bytes", report.flash["code"]),
        ):
            if value > limit[key]:
                sys.exit(f"{name}: {key} is {value}, tests/limits.toml says {limit[key]}")


def _costs(reports: dict[str, BenchReport]) -> str:
    rows = []
    for name, report in reports.items():
        macs = sum(layer["macs"] for layer in report.layers)
        ram = report.ram["arena"] + report.ram["static"] + report.ram["stack"]
        rows.append(
            [
                name,
                grouped(macs),
                grouped(report.flash["weights"]),
                grouped(report.flash["code"]),
                f"{grouped(ram)} ({grouped(report.ram['arena'])} + {report.ram['static']} + "
                f"{report.ram['stack']})",
                grouped(report.instructions),
                f"{report.instructions / macs:.2f}",
                grouped(report.cycles_estimate),
            ]
        )
    heads = "model|MACs|flash: weights|flash: code|RAM (arena + static + stack)|instructions"
    return _table([*heads.split("|"), "per MAC", "cycles, estimated"], rows)


def _ratios(reports: dict[str, BenchReport]) -> str:
    rows = []
    for name, report in reports.items():
        theirs = BASELINE[name]
        flash = report.flash["weights"] + report.flash["code"]
        ram = report.ram["arena"] + report.ram["static"] + report.ram["stack"]
        pairs = (
            (report.instructions, theirs.instructions),
            (flash, theirs.flash_bytes),
            (ram, theirs.ram_bytes),
        )
        cells = [cell for ours, other in pairs for cell in (grouped(other), f"{ours / other:.2f}")]
        rows.append([name, *cells])
    heads = ["model", "instructions", "ratio", "flash, bytes", "ratio", "RAM, bytes", "ratio"]
    return _table(heads, rows)


def _dense(dense: dict[str, dict[str, BenchReport]]) -> str:
    rows = []
    for name, pair in dense.items():
        theirs = BASELINE[name]
        for level, report in pair.items():
            cycles = report.cycles_estimate
            assert cycles is not None and report.cycles_calibrated is not None
            least, most = (f"{bound / 1e6:.3g}" for bound in report.cycles_calibrated)
            rows.append(
                [
                    name,
                    level,
                    grouped(report.instructions),
                    f"{report.instructions / theirs.instructions:.2f}",
                    grouped(cycles),
                    f"{cycles / theirs.cycles_estimate:.2f}",
                    f"{least} to {most}",
                    grouped(report.flash["code"]),
                ]
            )
    heads = "model|level|instructions|ratio|cycles, estimated|ratio|calibrated, M|flash: code"
    return _table(heads.split("|"), rows)


def _pruned(
    pruned: dict[tuple[str, int], dict[str, BenchReport]],
    dense: dict[str, dict[str, BenchReport]],
) -> str:
    rows = [
        [
            name,
            f"{percent} %",
            level,
            grouped(report.instructions),
            f"{report.instructions / BASELINE[name].instructions:.2f}",
            f"{report.instructions / dense[name][level].instructions:.2f}",
            grouped(report.flash["weights"]),
            f"{report.flash['weights'] / dense[name][level].flash['weights']:.2f}",
            grouped(report.flash["code"]),
        ]
        for (name, percent), pair in pruned.items()
        for level, report in pair.items()
    ]
    heads = "model|zeros|level|instructions|of TFLM's|of dense|flash: weights|of dense|flash: code"
    return _table(heads.split("|"), rows)


def _cores(cores: dict[str, BenchReport]) -> str:
    rows = []
    for board, report in cores.items():
        macs = sum(layer["macs"] for layer in report.layers)
        ratio = report.instructions / M0PLUS_BASELINE
        rows.append(
            [
                OTHER_CORES[board],
                board,
                grouped(report.instructions),
                f"{report.instructions / macs:.2f}",
                f"{ratio:.2f}" if board == "microbit" else "",
                grouped(report.flash["code"]),
            ]
        )
    heads = "core|board|instructions|per MAC|of TFLM's on M0+|flash: code"
    return _table(heads.split("|"), rows)


def _demo_rows(demos: dict[str, DemoReport]) -> str:
    rows = []
    for name, demo in demos.items():
        for what, report in (("cost nothing", demo.sparse), ("stored", demo.dense)):
            ram = report.ram["arena"] + report.ram["static"] + report.ram["stack"]
            rows.append(
                [
                    name,
                    what,
                    f"{100 * demo.zeros / demo.weights:.1f} % of {grouped(demo.weights)}",
                    grouped(report.flash["weights"]),
                    grouped(report.flash["code"]),
                    grouped(ram),
                    grouped(report.instructions),
                    grouped(report.cycles_estimate),
                ]
            )
    heads = "network|zeros|how many|flash: weights|flash: code|RAM|instructions|cycles, estimated"
    return _table(heads.split("|"), rows)


def _table(heads: list[str], rows: list[list[str]]) -> str:
    lines = [heads, ["---", *("---:" for _ in heads[1:])], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def main() -> None:
    """Measure everything and write the page."""
    if len(sys.argv) != 2:
        sys.exit("usage: python tests/benchmarks.py FILE.md")
    reports = {}
    for name in BASELINE:
        print(f"{name} ...", file=sys.stderr)
        reports[name] = measure(name, "nano33", BuildOptions())
    dense = {}
    for name in BASELINE:
        print(f"{name}, dense ...", file=sys.stderr)
        dense[name] = measure_dense(name)
    pruned = {}
    for name, percent in PRUNED:
        print(f"{name}, {percent} % zeros ...", file=sys.stderr)
        pruned[name, percent] = measure_pruned(name, percent)
    cores = {}
    for board in OTHER_CORES:
        print(f"kws_int8 on {board} ...", file=sys.stderr)
        cores[board] = measure("kws_int8", board, BuildOptions())
    demos = {}
    for name in DEMOS:
        print(f"demo {name} ...", file=sys.stderr)
        demos[name] = measure_demo(name)
    Path(sys.argv[1]).write_text(page(reports, dense, pruned, cores, demos))


if __name__ == "__main__":
    main()
