// The portable twin of tk_quad_sums_s8.S, for the host: four rows of weights times one column of
// inputs.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_quads.h"

#if !defined(__arm__) && !defined(__riscv)
void tk_quad_sums_s8(const int8_t *weights, const int8_t *column, uint32_t inputs, int32_t *sums)
{
    for (uint32_t row = 0; row < TK_QUAD; row++) {
        for (uint32_t i = 0; i < inputs; i++) {
            sums[row] += *weights++ * column[i];
        }
    }
}
#endif
