// SOFTMAX of int16 values over rows of classes, by interpolation in two tables.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_s16.h"

// The tables have an entry for every 128th argument.
static int32_t interpolate(const int16_t *table, int32_t argument)
{
    const int32_t place = tk_floor_shift(argument, 7) + 256;
    const int32_t rest = argument & 127;
    return table[place] + tk_floor_shift((table[place + 1] - table[place]) * rest + 64, 7);
}

// e to the power of how far a value lies below the greatest, in Q0.15.
static int32_t power(const tk_softmax_s16_layer *layer, int32_t below)
{
    const int32_t argument = tk_rescale(below, layer->multiplier, layer->shift) + INT16_MAX;
    return interpolate(layer->exponentials, tk_saturate_s16(argument));
}

static void softmax_row(const tk_softmax_s16_layer *layer, const tk_s16 *src, tk_s16 *dst)
{
    int32_t best = INT16_MIN;
    for (uint32_t i = 0; i < layer->classes; i++) {
        best = src[i] > best ? src[i] : best;
    }
    uint32_t sum = 0; // Q16.15
    for (uint32_t i = 0; i < layer->classes; i++) {
        const int32_t value = power(layer, src[i] - best);
        dst[i] = (int16_t)value;
        sum += (uint32_t)value;
    }
    // the sum as a number from 1 to 2 in Q0.16, whose reciprocal is in the second table
    const uint32_t headroom = (uint32_t)__builtin_clz(sum) - 1u;
    const uint32_t fraction = ((sum << headroom) + (1u << 13)) >> 14;
    const int32_t place = (int32_t)fraction - ((1 << 15) + (1 << 16));
    const int32_t reciprocal = interpolate(layer->reciprocals, tk_saturate_s16(place));
    const uint32_t shift = 30 - headroom;
    for (uint32_t i = 0; i < layer->classes; i++) {
        const int32_t share = dst[i] * reciprocal + (int32_t)(1u << (shift - 1));
        dst[i] = tk_limit(tk_floor_shift(share, shift), 0, INT16_MAX);
    }
}

void tk_softmax_s16(const tk_softmax_s16_layer *layer, const void *src, void *dst)
{
    const tk_s16 *in = src;
    tk_s16 *out = dst;
    for (uint32_t row = 0; row < layer->rows; row++) {
        softmax_row(layer, in, out);
        in += layer->classes;
        out += layer->classes;
    }
}
