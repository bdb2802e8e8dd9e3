// The same products as tk_dense_s8, with weights of four bits that are looked up among 16 values.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"
#include "tk_inline.h"

TK_INLINE int32_t product(uint32_t codes, uint32_t at, const int8_t *values, const int8_t *src)
{
    return values[(codes >> (4 * at)) & 15u] * src[at];
}

// Eight weights. With Thumb-2 each is 4 instructions: one for the bits, 2 loads, one for the sum.
TK_INLINE int32_t add_word(uint32_t codes, const int8_t *values, const int8_t *src, int32_t sum)
{
    sum += product(codes, 0, values, src);
    sum += product(codes, 1, values, src);
    sum += product(codes, 2, values, src);
    sum += product(codes, 3, values, src);
    sum += product(codes, 4, values, src);
    sum += product(codes, 5, values, src);
    sum += product(codes, 6, values, src);
    return sum + product(codes, 7, values, src);
}

void tk_codebook_s8(const tk_codebook_layer *layer, const int8_t *src, int8_t *dst)
{
    // what lies in registers cannot be changed by a store to dst
    const tk_output out = layer->out;
    const uint32_t words = layer->inputs / TK_CODEBOOK_WORD;
    const uint32_t rest = layer->inputs % TK_CODEBOOK_WORD;
    const int32_t *bias = layer->bias;
    const uint8_t *books = layer->books;
    const uint32_t *codes = layer->codes;
    for (uint32_t channel = 0; channel < out.channels; channel++) {
        const int8_t *values = layer->values + TK_CODEBOOK_VALUES * *books++;
        const int8_t *inputs = src;
        int32_t sum = *bias++;
        for (const uint32_t *end = codes + words; codes < end; inputs += TK_CODEBOOK_WORD) {
            sum = add_word(*codes++, values, inputs, sum);
        }
        if (rest > 0) {
            uint32_t last = *codes++;
            for (const int8_t *end = inputs + rest; inputs < end; last >>= 4) {
                sum += values[last & 15u] * *inputs++;
            }
        }
        dst[channel] = tk_finish(&out, channel, sum);
    }
}
