"""What engines measured on a board beside the cycles that are estimated for the same kind of code.

Measured: microTVM with CMSIS-NN on NUCLEO-L4R5ZI, a Cortex-M4 at 120 MHz (MLPerf Tiny v1.1,
mlcommons/tiny_results_v1.1, closed/Krai/results/README.md, inferences a second). Estimated: TFLM
with CMSIS-NN for the same models, zero wait states, by the timings of host/cycles.py.
"""

from dataclasses import dataclass

CLOCK_HZ = 120_000_000
BOARD = "NUCLEO-L4R5ZI"


@dataclass(frozen=True, slots=True)
class Measurement:
    """Hold one model: inferences in 1000 s as measured, and the cycles of one as estimated."""

    model: str
    macs: int
    inferences_in_1000_s: int
    cycles_estimate: int

    @property
    def cycles(self) -> int:
        """Return the measured cycles of one inference."""
        return CLOCK_HZ * 1000 // self.inferences_in_1000_s

    @property
    def percent(self) -> int:
        """Return the measured cycles in percent of the estimated ones, rounded down."""
        return 100 * self.cycles // self.cycles_estimate


MEASUREMENTS = (
    Measurement("ad01", 264_192, 116_212, 724_133),
    Measurement("kws", 2_656_768, 10_019, 9_171_115),
    Measurement("resnet8", 12_501_632, 2_567, 36_490_330),
    Measurement("vww", 7_489_664, 3_324, 29_026_416),
)
LEAST_PERCENT = min(each.percent for each in MEASUREMENTS)
MOST_PERCENT = max(each.percent for each in MEASUREMENTS)


def calibrated_range(cycles_estimate: int) -> tuple[int, int]:
    """Return between what an estimate lies if it is as far off as for those engines."""
    return cycles_estimate * LEAST_PERCENT // 100, cycles_estimate * MOST_PERCENT // 100


def calibration_text() -> str:
    """Say what the range is."""
    least, most = (f"{percent / 100:.2f}" for percent in (LEAST_PERCENT, MOST_PERCENT))
    return (
        f"engines of CMSIS-NN's class measured {least} to {most} times our kind of estimate "
        f"on {BOARD}"
    )
