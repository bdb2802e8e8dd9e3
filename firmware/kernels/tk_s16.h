// int16 values and their 64-bit sums, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_S16_H
#define TK_S16_H

#include "tk_fixed.h"

// int16 tensors lie at even places of the arena, which is of int8_t: this type may alias it.
typedef int16_t __attribute__((may_alias)) tk_s16;

static inline int16_t tk_limit(int32_t value, int32_t min, int32_t max)
{
    value = value < min ? min : value;
    return (int16_t)(value > max ? max : value);
}

static inline int32_t tk_saturate_s16(int32_t value)
{
    return tk_limit(value, INT16_MIN, INT16_MAX);
}

// MultiplyByQuantizedMultiplier for int64: one rounding, by the upper 15 bits of the multiplier.
static inline int32_t tk_rescale_wide(int64_t value, int32_t multiplier, int32_t shift)
{
    const uint32_t bits = (uint32_t)(15 - shift);
    const int64_t half = (int64_t)1 << (bits - 1);
    return (int32_t)(uint32_t)tk_floor_shift_64(value * multiplier + half, bits);
}

// The output of one channel from its sum.
static inline int16_t tk_finish_s16(const tk_output_s16 *out, uint32_t channel, int64_t sum)
{
    const uint32_t scale = out->scales > 1 ? channel : 0;
    const int32_t scaled = tk_rescale_wide(sum, out->multiplier[scale], out->shift[scale]);
    return tk_limit(scaled, out->min, out->max);
}

#endif
