// The same products as tk_dense_s8, of the weights that are not zero only, which a bit each tells:
//
//     masks    1010 0000 ...        the first input of a word has its highest bit
//     weights  w0 w2 ...
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"
#include "tk_inline.h"

#if defined(__ARM_FEATURE_CLZ) && __ARM_FEATURE_CLZ
// Adds the products of a word, and returns what is behind its weights. A weight is 7 instructions:
// 2 loads, a multiply-accumulate, 3 to find the bit and clear it, and the branch.
TK_INLINE const int8_t *add_word(uint32_t mask, const int8_t *weights, const int8_t *src,
                                 int32_t *sum)
{
    while (mask != 0) {
        const uint32_t at = (uint32_t)__builtin_clz(mask);
        *sum += *weights++ * src[at];
        mask &= ~((1u << 31) >> at);
    }
    return weights;
}
#else
TK_INLINE const int8_t *add_bit(uint32_t mask, uint32_t at, const int8_t *weights,
                                const int8_t *src, int32_t *sum)
{
    if ((mask << at) >> 31) {
        *sum += *weights++ * src[at];
    }
    return weights;
}

// The same eight bits at a time: 2 instructions each, and some 6 for a weight.
TK_INLINE const int8_t *add_word(uint32_t mask, const int8_t *weights, const int8_t *src,
                                 int32_t *sum)
{
    for (; mask != 0; mask <<= 8, src += 8) {
        if (mask >> 24) {
            weights = add_bit(mask, 0, weights, src, sum);
            weights = add_bit(mask, 1, weights, src, sum);
            weights = add_bit(mask, 2, weights, src, sum);
            weights = add_bit(mask, 3, weights, src, sum);
            weights = add_bit(mask, 4, weights, src, sum);
            weights = add_bit(mask, 5, weights, src, sum);
            weights = add_bit(mask, 6, weights, src, sum);
            weights = add_bit(mask, 7, weights, src, sum);
        }
    }
    return weights;
}
#endif

void tk_bitmap_s8(const tk_bitmap_layer *layer, const int8_t *src, int8_t *dst)
{
    // what lies in registers cannot be changed by a store to dst
    const tk_output out = layer->out;
    const uint32_t inputs = layer->inputs;
    const int32_t *bias = layer->bias;
    const int8_t *weights = layer->weights;
    const uint32_t *masks = layer->masks;
    for (uint32_t channel = 0; channel < out.channels; channel++) {
        int32_t sum = *bias++;
        for (uint32_t start = 0; start < inputs; start += TK_BITMAP_WORD) {
            weights = add_word(*masks++, weights, src + start, &sum);
        }
        dst[channel] = tk_finish(&out, channel, sum);
    }
}
