// SOFTMAX over rows of classes, with the exponentials from a table.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

#define SUM_INTEGER_BITS 12 // sums of exponentials are Q12.19

// x * 2^bits, saturated, for bits > 0: SaturatingRoundingMultiplyByPOT.
static int32_t shift_saturated(int32_t value, uint32_t bits)
{
    const int32_t limit = tk_floor_shift(INT32_MAX, bits);
    if (value > limit) {
        return INT32_MAX;
    }
    return value < -limit ? INT32_MIN : (int32_t)((uint32_t)value << bits);
}

// 1 / (1 + x) in Q0.31 for x in [0, 1) in Q0.31 by three Newton-Raphson steps; 48/17, 32/17 and 1
// are in Q2.29: gemmlowp::one_over_one_plus_x_for_x_in_0_1.
static int32_t reciprocal_of_one_plus(int32_t x)
{
    const int32_t half = (int32_t)(((uint32_t)x + (uint32_t)INT32_MAX + 1u) / 2u);
    int32_t guess = 1515870810 + tk_high_multiply(half, -1010580540);
    for (int step = 0; step < 3; step++) {
        const int32_t rest = (1 << 29) - tk_high_multiply(half, guess);
        guess += shift_saturated(tk_high_multiply(guess, rest), 2);
    }
    return shift_saturated(guess, 1);
}

static int32_t greatest(const int8_t *row, uint32_t classes)
{
    int32_t best = INT8_MIN;
    for (uint32_t i = 0; i < classes; i++) {
        best = row[i] > best ? row[i] : best;
    }
    return best;
}

static void softmax_row(const tk_softmax_layer *layer, const int8_t *src, int8_t *dst)
{
    const int32_t best = greatest(src, layer->classes);
    int32_t sum = 0;
    for (uint32_t i = 0; i < layer->classes; i++) {
        const int32_t below = best - src[i];
        if (below < layer->entries) {
            sum += tk_round_shift(layer->exponentials[below], SUM_INTEGER_BITS);
        }
    }
    const uint32_t headroom = (uint32_t)__builtin_clz((uint32_t)sum);
    const int32_t scale =
        reciprocal_of_one_plus((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
    const uint32_t exponent = SUM_INTEGER_BITS - headroom + 31 - 8;
    for (uint32_t i = 0; i < layer->classes; i++) {
        const int32_t below = best - src[i];
        int32_t share = 0;
        if (below < layer->entries) {
            share = tk_high_multiply(layer->exponentials[below], scale);
            share = tk_round_shift(share, exponent);
        }
        dst[i] = tk_clamp(share + INT8_MIN, INT8_MIN, INT8_MAX);
    }
}

void tk_softmax_s8(const tk_softmax_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t row = 0; row < layer->rows; row++) {
        softmax_row(layer, src, dst);
        src += layer->classes;
        dst += layer->classes;
    }
}
