// The contract of the inner product of FULLY_CONNECTED, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_ROWS_H
#define TK_ROWS_H

#include "tk_dsp.h"

#define TK_ROWS 4

// Adds the products of four rows to their sums, and returns where the next rows' weights begin.
//
//     weights   for each four inputs a b c d the words r0a r1a r0c r1c, r2a r3a r2c r3c, and the
//               same of b and d
//     column    the inputs, to `end`; a multiple of 4
const uint32_t *tk_rows_s8(const uint32_t *weights, const int8_t *column, const int8_t *end,
                           int32_t *sums);

#endif
