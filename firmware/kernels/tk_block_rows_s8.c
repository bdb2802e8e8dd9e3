// The portable twin of tk_block_rows_s8.S: the inner product of FULLY_CONNECTED, weights in blocks.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_sparse_rows.h"

#if !TK_DSP
static int32_t add_blocks(const int8_t *weights, const uint8_t *indices, uint32_t count,
                          const int8_t *src, int32_t sum)
{
    for (uint32_t i = 0; i < TK_BLOCK * count; i++) {
        sum += weights[i] * src[TK_BLOCK * indices[i / TK_BLOCK] + i % TK_BLOCK];
    }
    return sum;
}

void tk_block_rows_s8(const int8_t *weights, const uint8_t *indices, const uint8_t *counts,
                      const int8_t *src, tk_sparse_rows rows)
{
    const uint32_t segment = TK_BLOCK * TK_SPARSE_SEGMENT;
    while (rows.dst < rows.last) {
        int32_t sum = *rows.bias++;
        for (const int8_t *part = src; part < rows.end; part += segment) {
            const uint32_t count = *counts++;
            sum = add_blocks(weights, indices, count, part, sum);
            weights += TK_BLOCK * count;
            indices += count;
        }
        *rows.dst++ = tk_finish_doubled(sum, 2u * (uint32_t)*rows.multiplier,
                                        (uint32_t)(-*rows.shift - 1), rows.zero);
        rows.multiplier += rows.step;
        rows.shift += rows.step;
    }
}
#endif
