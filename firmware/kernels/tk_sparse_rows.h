// The contract of the inner product of FULLY_CONNECTED with sparse weights, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_SPARSE_ROWS_H
#define TK_SPARSE_ROWS_H

#include "tk_dsp.h"

// Passed by value, so that the assembly finds it on the stack.
typedef struct {
    const int8_t *end; // of the inputs
    const int32_t *bias;
    int8_t *dst;
    const int8_t *last; // end of the outputs
    const int32_t *multiplier;
    const int8_t *shift;
    uint32_t step; // from one row's scale to the next: 1, or 0 if all have one
    int32_t zero;  // 2 * the output's zero point + 1
} tk_sparse_rows;

// Computes all outputs, at least one, clipped to int8.
//
//     weights, indices, counts  as in tk_sparse_layer
//     src                       the inputs, at least one
void tk_sparse_rows_s8(const int8_t *weights, const uint8_t *indices, const uint8_t *counts,
                       const int8_t *src, tk_sparse_rows rows);

#endif
