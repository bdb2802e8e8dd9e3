// The contract of the inner product of FULLY_CONNECTED, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_ROWS_H
#define TK_ROWS_H

#include "tk_dsp.h"

#define TK_ROWS 4

// Passed by value, so that the assembly finds it on the stack.
typedef struct {
    const int32_t *bias; // filled up to whole blocks
    const int32_t *multiplier;
    const int8_t *shift;
    uint32_t step; // from one row's scale to the next: 1, or 0 if all have one
    int8_t *dst;
    const int8_t *last; // end of the outputs
    int32_t zero;       // 2 * the output's zero point + 1
} tk_rows;

// Computes outputs, clipped to int8, in blocks of four rows.
//
//     weights   for each block and four inputs a b c d the words r0a r1a r0c r1c, r2a r3a r2c r3c,
//               and the same of b and d
//     column    the inputs, to `end`; a multiple of 4
typedef void tk_rows_kernel(const uint32_t *weights, const int8_t *column, const int8_t *end,
                            tk_rows rows);
tk_rows_kernel tk_rows_large_s8;

// The same where half a word is 256 * r1a + r0a as 16 bits, and an odd row's bias is 256 times its
// own plus the even row's; odd rows' sums are below 2^23.
tk_rows_kernel tk_rows_s8;

// Stores the outputs of a block and goes on to the next, for portable twins.
static inline void tk_rows_finish(tk_rows *rows, const int32_t *sums)
{
    rows->bias += TK_ROWS;
    for (uint32_t i = 0; i < TK_ROWS && rows->dst < rows->last; i++) {
        const uint32_t shift = (uint32_t)-*rows->shift;
        const int32_t half = rows->zero * (int32_t)(1u << (shift - 1));
        *rows->dst++ = tk_finish_plain(sums[i], *rows->multiplier, shift, half);
        rows->multiplier += rows->step;
        rows->shift += rows->step;
    }
}

#endif
