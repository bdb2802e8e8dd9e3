// The contracts of the sum of one row of weights, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_ROW_SUM_H
#define TK_ROW_SUM_H

#include "tk_dsp.h"

// Adds `count` products to a sum.
int32_t tk_row_sum_s8(const int8_t *weights, const int8_t *src, uint32_t count, int32_t sum);

// Returns the sum of a segment's `count` products: weights and indices as in tk_sparse_layer.
int32_t tk_segment_sum_s8(const int8_t *weights, const uint8_t *indices, uint32_t count,
                          const int8_t *src);

#endif
