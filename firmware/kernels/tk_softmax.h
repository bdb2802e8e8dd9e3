// What SOFTMAX and LOG_SOFTMAX have in common, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_SOFTMAX_H
#define TK_SOFTMAX_H

#include "tk_fixed.h"

#define TK_SUM_INTEGER_BITS 12 // sums of exponentials are Q12.19

// 1 / (1 + x) in Q0.31 for x in [0, 1) in Q0.31 by three Newton-Raphson steps; 48/17, 32/17 and 1
// are in Q2.29: gemmlowp::one_over_one_plus_x_for_x_in_0_1.
static inline int32_t tk_reciprocal_of_one_plus(int32_t x)
{
    const int32_t half = (int32_t)(((uint32_t)x + (uint32_t)INT32_MAX + 1u) / 2u);
    int32_t guess = 1515870810 + tk_high_multiply(half, -1010580540);
    for (int step = 0; step < 3; step++) {
        const int32_t rest = (1 << 29) - tk_high_multiply(half, guess);
        guess += tk_shift_saturated(tk_high_multiply(guess, rest), 2);
    }
    return tk_shift_saturated(guess, 1);
}

static inline int32_t tk_greatest(const int8_t *row, uint32_t classes)
{
    int32_t best = INT8_MIN;
    for (uint32_t i = 0; i < classes; i++) {
        best = row[i] > best ? row[i] : best;
    }
    return best;
}

// The sum of the exponentials of a row whose greatest value is `best`, in Q12.19.
static inline int32_t tk_sum_of_exponentials(const tk_softmax_layer *layer, const int8_t *src,
                                             int32_t best)
{
    int32_t sum = 0;
    for (uint32_t i = 0; i < layer->classes; i++) {
        const int32_t below = best - src[i];
        if (below < layer->entries) {
            sum += tk_round_shift(layer->exponentials[below], TK_SUM_INTEGER_BITS);
        }
    }
    return sum;
}

#endif
