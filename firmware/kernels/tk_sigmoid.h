// Logistic and hyperbolic tangent of Q3.12 numbers by interpolation, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_SIGMOID_H
#define TK_SIGMOID_H

#include "tk_fixed.h"

extern const uint16_t tk_sigmoid_table[256];

// The argument of both: (value * multiplier + half) / 2^shift, rounded down.
static inline int32_t tk_table_argument(int32_t value, int32_t multiplier, uint32_t shift)
{
    const int32_t half = shift > 0 ? 1 << (shift - 1) : 0;
    return tk_floor_shift(value * multiplier + half, shift);
}

// The logistic of an argument whose unit is 1 / (24 * 512), in Q0.15.
static inline int32_t tk_logistic_q15(int32_t argument)
{
    const uint32_t distance = (uint32_t)(argument < 0 ? -argument : argument);
    const uint32_t place = distance >> 9;
    uint32_t result = 0x7fffu << 10;
    if (place < 255) {
        const uint32_t low = tk_sigmoid_table[place];
        const uint32_t high = tk_sigmoid_table[place + 1];
        result = (low << 9) + (distance & 0x1ff) * (high - low);
    }
    result = argument < 0 ? (1u << 25) - result + (1u << 9) - 1u : result + (1u << 9);
    return (int32_t)(result >> 10);
}

// The hyperbolic tangent of an argument whose unit is 1 / (48 * 256), in Q0.15: 2 logistic(2x) - 1.
static inline int32_t tk_tanh_q15(int32_t argument)
{
    const uint32_t distance = (uint32_t)(argument < 0 ? -argument : argument);
    const uint32_t place = distance >> 8;
    int32_t result = 0xffff << 8;
    if (place < 255) {
        const uint32_t low = tk_sigmoid_table[place];
        const uint32_t high = tk_sigmoid_table[place + 1];
        result = (int32_t)((low << 8) + (distance & 0xff) * (high - low));
    }
    const int32_t one = 1 << 23;
    result = argument < 0 ? one - result + (1 << 7) - 1 : result - one + (1 << 7);
    return tk_floor_shift(result, 8);
}

#endif
