// The portable twin of tk_row_sum_s8.S.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_row_sum.h"

#if !TK_DSP
int32_t tk_row_sum_s8(const int8_t *weights, const int8_t *src, uint32_t count, int32_t sum)
{
    for (uint32_t i = 0; i < count; i++) {
        sum += weights[i] * src[i];
    }
    return sum;
}
#endif
