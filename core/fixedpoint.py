"""The integer arithmetic of TensorFlow Lite Micro, in NumPy, bit for bit.

The rules are gemmlowp's (fixedpoint/fixedpoint.h): a saturating rounding doubling high multiply,
then a rounding division by a power of two, each with its own rounding. `raw` numbers below are
int32 fixed-point values, held in int64 arrays so that nothing overflows on the way.
"""

import math

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]

INT16_MIN = -(2**15)
INT16_MAX = 2**15 - 1
INT32_MIN = -(2**31)
INT32_MAX = 2**31 - 1


def quantize_multiplier(real: float) -> tuple[int, int]:
    """Split a positive factor into (multiplier, shift): real = multiplier * 2**(shift - 31).

    As tflite::QuantizeMultiplier; factors below 2**-32 become (0, 0).
    """
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = round_half_away(fraction * 2.0**31)
    if multiplier == 2**31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def round_half_away(value: float) -> int:
    """Round to the nearest integer, halves away from zero, as C's round."""
    whole = math.floor(abs(value))
    nearest = whole + (abs(value) - whole >= 0.5)  # a half added would round before the floor
    return nearest if value >= 0 else -nearest


def wrap32(values: Ints) -> Ints:
    """Wrap to int32, as a product that overflows does on every target."""
    return values.astype(np.int32).astype(np.int64)


def high_multiply(a: Ints | int, b: Ints | int) -> Ints:
    """Return (a * b) / 2**31 rounded, halves up: SaturatingRoundingDoublingHighMul.

    gemmlowp's nudge depends on the sign and its division truncates; together they are a floor.
    """
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.asarray(np.minimum((product + (1 << 30)) >> 31, INT32_MAX), np.int64)


def divide_by_power(values: Ints, exponent: int | Ints) -> Ints:
    """Return values / 2**exponent rounded, halves away from zero: RoundingDivideByPOT."""
    mask = (np.int64(1) << np.asarray(exponent, np.int64)) - 1
    threshold = (mask >> 1) + (values < 0)
    rounded_up = (values & mask) > threshold
    return (values >> np.asarray(exponent, np.int64)) + rounded_up


def requantize(values: Ints, multiplier: int | Ints, shift: int | Ints) -> Ints:
    """Scale accumulators: tflite::MultiplyByQuantizedMultiplier for int32, double rounding.

    Args:
        values: int32 accumulators; multiplier and shift broadcast against them.
        multiplier: 0 to 2**31 - 1.
        shift: positive to the left.
    """
    left = np.maximum(np.asarray(shift, np.int64), 0)
    right = np.maximum(-np.asarray(shift, np.int64), 0)
    return divide_by_power(high_multiply(wrap32(values << left), multiplier), right)


def requantize_wide(values: Ints, multiplier: int | Ints, shift: int | Ints) -> Ints:
    """Scale 64-bit sums: tflite::MultiplyByQuantizedMultiplier for int64, one rounding.

    Args:
        values: sums below 2**47; multiplier and shift broadcast against them.
        multiplier: of 15 bits, from narrow_multiplier.
        shift: -31 to 7, positive to the left.
    """
    right = 15 - np.asarray(shift, np.int64)
    half = np.int64(1) << (right - 1)
    return wrap32((values * np.asarray(multiplier, np.int64) + half) >> right)


def multiply_saturated(values: Ints, exponent: int) -> Ints:
    """Return values * 2**exponent, saturated to int32 (SaturatingRoundingMultiplyByPOT)."""
    if exponent <= 0:
        return divide_by_power(values, -exponent)
    return np.asarray(np.clip(values << exponent, INT32_MIN, INT32_MAX), np.int64)


def exp_of_negative(raw: Ints, integer_bits: int) -> Ints:
    """Return exp(x) in Q0.31 for x <= 0 in Q`integer_bits`: gemmlowp::exp_on_negative_values."""
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    remainder_part = (raw & (quarter - 1)) - quarter
    result = _exp_of_last_quarter(multiply_saturated(remainder_part, integer_bits))
    steps = remainder_part - raw
    # exp(-2**e) in Q0.31 for e = -2 .. 4
    factors = (1672461947, 1302514674, 790015084, 290630308, 39332535, 720401, 242)
    for exponent, factor in zip(range(-2, 5), factors, strict=True):
        if integer_bits > exponent:
            bit = 1 << (fraction_bits + exponent)
            result = np.where(steps & bit, high_multiply(result, factor), result)
    return np.where(raw == 0, INT32_MAX, result)


def reciprocal_of_one_plus(raw: Ints) -> Ints:
    """Return 1 / (1 + x) in Q0.31 for x in [0, 1) in Q0.31.

    gemmlowp::one_over_one_plus_x_for_x_in_0_1.
    """
    return multiply_saturated(_newton(raw), 1)


def _newton(raw: Ints) -> Ints:
    """Return 2 / (1 + x) in Q2.29 for x in [0, 1) in Q0.31, by three Newton-Raphson steps.

    48/17 and 32/17 are in Q2.29.
    """
    half = (raw + INT32_MAX + 1) // 2
    x = 1515870810 + high_multiply(half, -1010580540)
    for _ in range(3):
        rest = (1 << 29) - high_multiply(half, x)
        x = x + multiply_saturated(high_multiply(x, rest), 2)
    return x


def logistic(raw: Ints, integer_bits: int) -> Ints:
    """Return 1 / (1 + exp(-x)) in Q0.31 for x in Q`integer_bits`: gemmlowp::logistic."""
    positive = reciprocal_of_one_plus(exp_of_negative(-np.abs(raw), integer_bits))
    value = np.where(raw > 0, positive, INT32_MAX - positive)
    return np.where(raw == 0, 1 << 30, value)


def logarithm(raw: int) -> int:
    """Return ln(x) in Q5.26 for x >= 1 in Q12.19.

    tflite::log_x_for_x_greater_than_or_equal_to_1: x is brought near 2**-0.25 by a power of two,
    with or without a half, whichever leaves less; the rest is a quotient of polynomials.
    """
    root_half, root_root_half = 1518500250, 1805811301
    log_2, quarter = 1488522236, 1 << 23  # ln 2 in Q0.31, 1/4 in Q6.25

    def product(a: int, b: int) -> int:
        return int(high_multiply(a, b))

    zeros_a = 32 - raw.bit_length()
    near_a = min(product(raw << (zeros_a - 1), root_half) << 1, INT32_MAX)
    zeros_b = 31 - product(raw, root_half).bit_length()
    near_b = min(raw << zeros_b, INT32_MAX)
    powers = max(((12 - zeros_a) << 25) + quarter, ((12 - zeros_b) << 25) - quarter)
    near = min(near_a, near_b)
    mean, twice = (near + root_root_half + 1) // 2, 2 * (near - root_root_half)
    square = product(twice, twice)
    numerator = product(twice, near) + product(product(twice, square), 117049297)
    inner = 1057819769 + twice + product(127690142, square)
    below = np.asarray(product(mean, inner) + product(638450708, twice), np.int64)
    share = divide_by_power(np.asarray(numerator, np.int64), 6)
    rest = high_multiply(share, reciprocal_of_one_plus(below))
    return int(multiply_saturated(product(powers, log_2) + rest, 1))


def tanh(raw: Ints, integer_bits: int) -> Ints:
    """Return tanh(x) in Q0.31 for x in Q`integer_bits`: gemmlowp::tanh."""
    # twice x is the same raw number with one integer bit more
    x = _newton(exp_of_negative(-np.abs(raw), integer_bits + 1))
    positive = multiply_saturated(x - (1 << 29), 2)
    return np.where(raw == 0, 0, np.where(raw < 0, -positive, positive))


def inverse_square_root(value: int) -> tuple[int, int]:
    """Split 1 / sqrt(value) into (multiplier, shift), for requantize.

    tflite::GetInvSqrtQuantizedMultiplierExp: five Newton-Raphson steps from 1 in Q3.28, for values
    below 2**31.
    """
    if value <= 1:
        return INT32_MAX, 0
    if value >= 1 << 29:
        multiplier, shift = inverse_square_root(value // 4)
        return multiplier, shift - 1
    pairs = (31 - value.bit_length()) // 2 - 1
    half = divide_by_power(np.asarray((value << 2 * pairs) >> 1, np.int64), 1)
    x = np.asarray(1 << 28, np.int64)
    half_three = (1 << 28) + (1 << 27)
    for _ in range(5):
        cube = multiply_saturated(high_multiply(high_multiply(x, x), x), 6)
        x = multiply_saturated(high_multiply(half_three, x) - high_multiply(half, cube), 3)
    half_of_root_two = 1518500250
    multiplier, shift = int(high_multiply(x, half_of_root_two)), pairs - 11
    return (multiplier << shift, 0) if shift > 0 else (multiplier, shift)


def narrow_multiplier(multiplier: int) -> int:
    """Round a multiplier from Q0.31 to Q0.15: tflite::DownScaleInt32ToInt16Multiplier."""
    return min(multiplier + (1 << 15), INT32_MAX) >> 16


def high_multiply_16(a: Ints | int, b: Ints | int) -> Ints:
    """Return (a * b) / 2**15 rounded, halves up: SaturatingRoundingDoublingHighMul for int16."""
    product = np.asarray(a, np.int64) * np.asarray(b, np.int64)
    return np.asarray(np.minimum((product + (1 << 14)) >> 15, INT16_MAX), np.int64)


def sigmoid_table() -> Ints:
    """Return 1 / (1 + exp(-i / 24)) in Q0.16, as TFLM has it: some entries are one above."""
    exact = [round(65536 / (1 + math.exp(-i / 24))) for i in range(256)]
    return np.array([value + (_ONE_ABOVE >> i & 1) for i, value in enumerate(exact)], np.int64)


_ONE_ABOVE = 1 << 255 | 0x800011009020440005C0467BAEFA7BD110


def logistic_q15(argument: Ints) -> Ints:
    """Return the logistic of an argument whose unit is 1 / (24 * 512): Logistic of int16."""
    low, step = _interpolated(np.abs(argument), 9)
    result = np.where(np.abs(argument) >> 9 >= 255, 0x7FFF << 10, (low << 9) + step)
    return np.where(argument >= 0, result + 512, (1 << 25) - result + 511) >> 10


def tanh_q15(argument: Ints) -> Ints:
    """Return the hyperbolic tangent of an argument in units of 1 / (48 * 256): Tanh of int16."""
    low, step = _interpolated(np.abs(argument), 8)
    result = np.where(np.abs(argument) >> 8 >= 255, 0xFFFF << 8, (low << 8) + step)
    one = 1 << 23
    return np.where(argument >= 0, result - one + 128, one - result + 127) >> 8


def _interpolated(distance: Ints, bits: int) -> tuple[Ints, Ints]:
    """Return the table's entry below a distance, and the rest of the way to the next."""
    table = sigmoid_table()
    place = np.minimum(distance >> bits, 254)
    rest = distance & ((1 << bits) - 1)
    return table[place], rest * (table[place + 1] - table[place])


def input_radius(integer_bits: int, left_shift: int) -> int:
    """Return the largest input that stays in range after scaling: tflite::CalculateInputRadius."""
    scaled = ((1 << integer_bits) - 1) * 2.0 ** (31 - integer_bits) / 2.0**left_shift
    return math.floor(scaled)


def _exp_of_last_quarter(raw: Ints) -> Ints:
    """Return exp(x) in Q0.31 for x in [-1/4, 0): Taylor's series around -1/8."""
    x = raw + (1 << 28)
    x2 = high_multiply(x, x)
    x3 = high_multiply(x2, x)
    x4_over_4 = divide_by_power(high_multiply(x2, x2), 2)
    third = 715827883
    tail = divide_by_power(high_multiply(x4_over_4 + x3, third) + x2, 1)
    exp_of_minus_eighth = 1895147668
    return exp_of_minus_eighth + high_multiply(exp_of_minus_eighth, x + tail)
