// The rounding rules of TensorFlow Lite Micro (gemmlowp's fixedpoint.h), for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_FIXED_H
#define TK_FIXED_H

#include "tk_kernels.h"

// C leaves the right shift of a negative number to the compiler; both of ours round down, and these
// two functions are the only places that rely on it.
_Static_assert((-5 >> 1) == -3, "this compiler does not shift arithmetically");

static inline int32_t tk_floor_shift(int32_t value, uint32_t bits) { return value >> bits; }

static inline int64_t tk_floor_shift_64(int64_t value, uint32_t bits) { return value >> bits; }

// a * b / 2^31, halves up: SaturatingRoundingDoublingHighMul. gemmlowp adds a nudge that depends on
// the sign and divides towards zero, which together is this floor. One of the factors is never
// INT32_MIN, so the result fits.
static inline int32_t tk_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)tk_floor_shift_64((int64_t)a * b + (1 << 30), 31);
}

// value / 2^bits, halves away from zero: RoundingDivideByPOT, 0 <= bits <= 31.
static inline int32_t tk_round_shift(int32_t value, uint32_t bits)
{
    const int32_t mask = (int32_t)((1u << bits) - 1u);
    const int32_t threshold = tk_floor_shift(mask, 1) + (value < 0);
    return tk_floor_shift(value, bits) + ((value & mask) > threshold);
}

// MultiplyByQuantizedMultiplier with double rounding; a left shift wraps as it does there.
static inline int32_t tk_rescale(int32_t value, int32_t multiplier, int32_t shift)
{
    if (shift > 0) {
        value = (int32_t)((uint32_t)value << shift);
    }
    value = tk_high_multiply(value, multiplier);
    return shift < 0 ? tk_round_shift(value, (uint32_t)-shift) : value;
}

// x * 2^bits, saturated, for bits > 0: SaturatingRoundingMultiplyByPOT.
static inline int32_t tk_shift_saturated(int32_t value, uint32_t bits)
{
    const int32_t limit = tk_floor_shift(INT32_MAX, bits);
    if (value > limit) {
        return INT32_MAX;
    }
    return value < -limit ? INT32_MIN : (int32_t)((uint32_t)value << bits);
}

static inline int8_t tk_clamp(int32_t value, int32_t min, int32_t max)
{
    value = value < min ? min : value;
    return (int8_t)(value > max ? max : value);
}

// What tk_round_plain adds before it shifts: half of the divisor, and the zero point.
static inline int32_t tk_half(uint32_t shift, int32_t zero)
{
    return (2 * zero + 1) * (int32_t)(1u << (shift - 1));
}

// a * b / 2^32, halves up: SMMULR. Of twice a value it is tk_high_multiply.
static inline int32_t tk_high_word(int32_t a, int32_t b)
{
    return (int32_t)tk_floor_shift_64((int64_t)a * b + (1ll << 31), 32);
}

// tk_round_shift by 1 to 22 bits, the zero point added, clipped to int8.
static inline int8_t tk_round_plain(int32_t high, uint32_t shift, int32_t half)
{
    const int32_t rounded = tk_floor_shift(high + half + tk_floor_shift(high, 31), shift);
    return tk_clamp(rounded, INT8_MIN, INT8_MAX);
}

// The output of a sum as tk_rescale computes it, clipped to int8, for a shift to the right of 1 to
// 22 and |sum| < 2^30, which leaves room to double it. Six instructions.
static inline int8_t tk_finish_plain(int32_t sum, int32_t multiplier, uint32_t shift, int32_t half)
{
    return tk_round_plain(tk_high_word(sum * 2, multiplier), shift, half);
}

// The same from constants that need no work: the multiplier doubled, which fits 32 bits without a
// sign, the shift less 1, and 2 * the zero point + 1. Five instructions: SMMLAR takes the doubled
// multiplier for 2^32 less and adds the sum once more.
static inline int8_t tk_finish_doubled(int32_t sum, uint32_t doubled, uint32_t less, int32_t zero)
{
    const int64_t product = (int64_t)sum * (int64_t)doubled + (1ll << 31);
    const int32_t high = (int32_t)tk_floor_shift_64(product, 32);
    const int32_t rounded = tk_floor_shift(high + tk_floor_shift(high, 31), less) + zero;
    return tk_clamp(tk_floor_shift(rounded, 1), INT8_MIN, INT8_MAX);
}

// The same from twice the sum. The sum's sign is that of its high word, or that is 0 and both signs
// round to the zero point. Four instructions.
static inline int8_t tk_finish_twice(int32_t twice, int32_t multiplier, uint32_t shift,
                                     int32_t half)
{
    const int32_t high = tk_high_word(twice, multiplier) + half + tk_floor_shift(twice, 31);
    return tk_clamp(tk_floor_shift(high, shift), INT8_MIN, INT8_MAX);
}

// The output of one channel from its sum.
static inline int8_t tk_finish(const tk_output *out, uint32_t channel, int32_t sum)
{
    const uint32_t scale = out->scales > 1 ? channel : 0;
    const int32_t multiplier = out->multiplier[scale];
    const int32_t shift = out->shift[scale];
    if (out->plain) {
        const uint32_t right = (uint32_t)-shift;
        const int8_t value = tk_finish_plain(sum, multiplier, right, tk_half(right, out->zero));
        return tk_clamp(value, out->min, out->max);
    }
    return tk_clamp(tk_rescale(sum, multiplier, shift) + out->zero, out->min, out->max);
}

// Applies a fused activation to outputs that are clipped to int8.
static inline void tk_clip_outputs(int8_t *dst, const int8_t *end, int32_t min, int32_t max)
{
    if (min > INT8_MIN || max < INT8_MAX) {
        for (; dst < end; dst++) {
            *dst = tk_clamp(*dst, min, max);
        }
    }
}

// The same of one position.
static inline void tk_clip_channels(const tk_output *out, int8_t *dst)
{
    for (uint32_t channel = 0; channel < out->channels; channel++) {
        dst[channel] = tk_clamp(dst[channel], out->min, out->max);
    }
}

#endif
