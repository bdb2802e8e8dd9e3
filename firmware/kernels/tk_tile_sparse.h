// The contract of the inner product of a convolution with sparse weights, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TILE_SPARSE_H
#define TK_TILE_SPARSE_H

#include "tk_tile.h"

// Passed by value, so that the assembly finds it on the stack.
typedef struct {
    int8_t *dst[TK_TILE_COLUMNS]; // channel 0 of each column's output
    uint32_t channels;
    int32_t zero; // 2 * the output's zero point + 1
    uint32_t segments;
    uint32_t step; // from one row's scale to the next: 1, or 0 if all have one
    const int32_t *bias;
    const int32_t *multiplier;
    const int8_t *shift;
} tk_tile_sparse;

// Computes all channels of four columns, clipped to int8.
//
//     weights, indices, counts  as in tk_sparse_layer
//     columns                   for each input a word of its bytes in the four columns
void tk_tile_sparse_s8(const int8_t *weights, const uint8_t *indices, const uint8_t *counts,
                       const uint32_t *columns, tk_tile_sparse tile);

#endif
