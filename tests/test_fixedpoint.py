"""The fixed-point rules equal gemmlowp's, written down again with Python's unbounded integers."""

import math
import subprocess
from collections.abc import Iterator
from fractions import Fraction
from itertools import product
from pathlib import Path

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from models import KERNELS, SANITIZERS, WARNINGS

from tinykit.core import fixedpoint

PROFILE = settings(derandomize=True, deadline=None, database=None, max_examples=500)
LOW, HIGH = -(2**31), 2**31 - 1
INT32 = st.one_of(st.integers(LOW, HIGH), st.integers(-300, 300), st.sampled_from((LOW, HIGH)))
EDGES = sorted(
    {
        LOW,
        LOW + 1,
        HIGH,
        HIGH - 1,
        *(s * (2**k + d) for s in (1, -1) for k in (0, 1, 7, 29, 30) for d in (-1, 0, 1)),
    }
)
C_PROGRAM = Path(__file__).parent / "c" / "fixed.c"


def saturated(value: int) -> int:
    return max(LOW, min(HIGH, value))


def towards_zero(numerator: int, denominator: int) -> int:
    quotient = abs(numerator) // abs(denominator)
    return quotient if (numerator < 0) == (denominator < 0) else -quotient


def doubling_high_mul(a: int, b: int) -> int:
    """SaturatingRoundingDoublingHighMul: a nudge with the product's sign, division towards zero."""
    if a == b == LOW:
        return HIGH
    nudge = 2**30 if a * b >= 0 else 1 - 2**30
    return towards_zero(a * b + nudge, 2**31)


def divide_by_pot(value: int, exponent: int) -> int:
    """RoundingDivideByPOT: to the nearest, halves away from zero."""
    share = Fraction(abs(value), 2**exponent)
    nearest = math.floor(share + Fraction(1, 2))
    return nearest if value >= 0 else -nearest


def wrapped(value: int) -> int:
    return (value - LOW) % 2**32 + LOW


def rescaled(value: int, multiplier: int, shift: int) -> int:
    """MultiplyByQuantizedMultiplier with double rounding."""
    high = doubling_high_mul(wrapped(value * 2 ** max(shift, 0)), multiplier)
    return divide_by_pot(high, max(-shift, 0))


def quantized(real: float) -> tuple[int, int]:
    """QuantizeMultiplier, in exact fractions."""
    if real == 0:
        return 0, 0
    shift = math.frexp(real)[1]
    multiplier = math.floor(Fraction(real) / Fraction(2) ** shift * 2**31 + Fraction(1, 2))
    if multiplier == 2**31:
        multiplier, shift = 2**30, shift + 1
    return (0, 0) if shift < -31 else (multiplier, shift)


@PROFILE
@given(INT32, INT32)
def test_high_multiply(a: int, b: int) -> None:
    assert int(fixedpoint.high_multiply(a, b)) == doubling_high_mul(a, b)


def test_high_multiply_at_the_edges() -> None:
    a, b = np.array(list(product(EDGES, EDGES))).T
    expected = [doubling_high_mul(int(x), int(y)) for x, y in zip(a, b, strict=True)]
    assert fixedpoint.high_multiply(a, b).tolist() == expected


@PROFILE
@given(INT32, st.integers(0, 31))
def test_divide_by_power(value: int, exponent: int) -> None:
    found = fixedpoint.divide_by_power(np.array(value), exponent)
    assert int(found) == divide_by_pot(value, exponent)


@pytest.mark.parametrize("exponent", range(32))
def test_divide_by_power_at_halves(exponent: int) -> None:
    half = 2**exponent // 2
    values = [
        v
        for k in range(-5, 6)
        for d in (-1, 0, 1)
        if LOW <= (v := k * 2**exponent + half + d) <= HIGH
    ]
    found = fixedpoint.divide_by_power(np.array(values, np.int64), exponent)
    assert found.tolist() == [divide_by_pot(value, exponent) for value in values]


@PROFILE
@given(INT32, st.integers(2**30, HIGH), st.integers(-31, 30))
def test_requantize(value: int, multiplier: int, shift: int) -> None:
    found = fixedpoint.requantize(np.array(value, np.int64), multiplier, shift)
    assert int(found) == rescaled(value, multiplier, shift)


@PROFILE
@given(st.floats(2.0**-40, 2.0**30))
@example(0.0)
@example(1.0 - 2.0**-33)
@example(2.0**-32)
@example(2.0**-33)
@example(math.nextafter(1.0, 0.0))
def test_quantize_multiplier(real: float) -> None:
    assert fixedpoint.quantize_multiplier(real) == quantized(real)


@PROFILE
@given(INT32, st.integers(-31, 31))
def test_multiply_saturated(value: int, exponent: int) -> None:
    found = int(fixedpoint.multiply_saturated(np.array(value, np.int64), exponent))
    exact = saturated(value * 2**exponent) if exponent > 0 else divide_by_pot(value, -exponent)
    assert found == exact


@PROFILE
@given(st.one_of(st.floats(-1e6, 1e6), st.integers(-1000, 1000).map(lambda n: n + 0.5)))
def test_round_half_away(value: float) -> None:
    nearest = math.floor(abs(Fraction(value)) + Fraction(1, 2))
    assert fixedpoint.round_half_away(value) == (nearest if value >= 0 else -nearest)


@PROFILE
@given(st.integers(-(2**31) + 1, 0), st.sampled_from((4, 5)))
def test_exp_is_close_to_exp(raw: int, integer_bits: int) -> None:
    found = int(fixedpoint.exp_of_negative(np.array(raw, np.int64), integer_bits)) / 2**31
    assert abs(found - math.exp(raw / 2 ** (31 - integer_bits))) < 4e-7


@PROFILE
@given(st.integers(LOW + 1, HIGH))
def test_logistic_is_close_to_logistic(raw: int) -> None:
    found = int(fixedpoint.logistic(np.array(raw, np.int64), 4)) / 2**31
    assert abs(found - 1 / (1 + math.exp(-raw / 2**27))) < 4e-7


def _questions() -> Iterator[tuple[int, int, int]]:
    """Ask for every edge against every edge, and for random numbers elsewhere."""
    factors = [edge for edge in EDGES if edge >= 0]
    yield from product(EDGES, factors, (-31, -30, -8, -1, 0, 1, 8, 30))
    rng = np.random.default_rng(3)
    for _ in range(20000):
        value = int(rng.integers(LOW, HIGH, endpoint=True)) >> int(rng.integers(0, 31))
        yield value, int(rng.integers(2**30, 2**31)), int(rng.integers(-31, 31))


@pytest.mark.parametrize("compiler", ["gcc", "clang"])
def test_the_rules_of_tk_fixed_h(compiler: str, tmp_path: Path) -> None:
    program = tmp_path / "fixed"
    flags = [*WARNINGS, *SANITIZERS, "-O1", f"-I{KERNELS}"]
    subprocess.run([compiler, *flags, C_PROGRAM, "-o", program], check=True)
    questions = list(_questions())
    stdin = np.array(questions, np.int32).tobytes()
    out = subprocess.run([program], input=stdin, stdout=subprocess.PIPE, check=True).stdout
    found = np.frombuffer(out, np.int32).reshape(-1, 3)
    for (value, multiplier, shift), answers in zip(questions, found.tolist(), strict=True):
        assert answers == [
            doubling_high_mul(value, multiplier),
            divide_by_pot(value, abs(shift)),
            rescaled(value, multiplier, shift),
        ]
