// The portable twin of tk_segment_sum_s8.S.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_row_sum.h"

#if !TK_DSP
int32_t tk_segment_sum_s8(const int8_t *weights, const uint8_t *indices, uint32_t count,
                          const int8_t *src)
{
    int32_t sum = 0;
    for (const uint8_t *end = indices + count; indices < end; indices++) {
        sum += *weights++ * src[*indices];
    }
    return sum;
}
#endif
