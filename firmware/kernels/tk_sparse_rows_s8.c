// The portable twin of tk_sparse_rows_s8.S: the inner product of FULLY_CONNECTED, sparse weights.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_sparse_rows.h"

#if !TK_DSP
void tk_sparse_rows_s8(const int8_t *weights, const uint8_t *indices, const uint8_t *counts,
                       const int8_t *src, tk_sparse_rows rows)
{
    while (rows.dst < rows.last) {
        int32_t sum = *rows.bias++;
        for (uint32_t start = 0; start < (uint32_t)(rows.end - src); start += TK_SPARSE_SEGMENT) {
            for (uint32_t left = *counts++; left > 0; left--) {
                sum += *weights++ * src[start + *indices++];
            }
        }
        *rows.dst++ = tk_finish_doubled(sum, 2u * (uint32_t)*rows.multiplier,
                                        (uint32_t)(-*rows.shift - 1), rows.zero);
        rows.multiplier += rows.step;
        rows.shift += rows.step;
    }
}
#endif
