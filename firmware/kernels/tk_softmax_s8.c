// SOFTMAX over rows of classes, with the exponentials from a table.
//
// A class is 31 instructions on Cortex-M4, a row 190 beside them, most of which are the
// reciprocal's that gemmlowp prescribes. The floor of a class is 17: 3 loads and a store, 3 to find
// the greatest, 10 to scale and to round twice.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_softmax.h"

static void softmax_row(const tk_softmax_layer *layer, const int8_t *src, int8_t *dst)
{
    const int32_t best = tk_greatest(src, layer->classes);
    const int32_t sum = tk_sum_of_exponentials(layer, src, best);
    const uint32_t headroom = (uint32_t)__builtin_clz((uint32_t)sum);
    const int32_t scale =
        tk_reciprocal_of_one_plus((int32_t)(((uint32_t)sum << headroom) - (1u << 31)));
    const uint32_t exponent = TK_SUM_INTEGER_BITS - headroom + 31 - 8;
    for (uint32_t i = 0; i < layer->classes; i++) {
        const int32_t below = best - src[i];
        int32_t share = 0;
        // of 512 or more equal classes each has less than half a step
        if (below < layer->entries && exponent < 32) {
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
