// The portable twin of tk_pair_sum_s8.S: the inner product of FULLY_CONNECTED with weights of at
// most 16 values.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_pair_sum.h"

#if !TK_DSP
int32_t tk_pair_sum_s8(const uint32_t *codes, const uint32_t *end, const uint32_t *pairs,
                       const uint32_t *inputs)
{
    int32_t sum = 0;
    for (; codes < end; codes++) {
        for (uint32_t at = 0; at < 32; at += 8) {
            sum = tk_dot(pairs[(*codes >> at) & 0xffu], *inputs++, sum);
        }
    }
    return sum;
}
#endif
