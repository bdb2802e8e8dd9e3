// The contract of the inner product of a convolution with sparse weights, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TILE_SPARSE_H
#define TK_TILE_SPARSE_H

#include "tk_octet.h"
#include "tk_tile.h"

// Passed by value, so that the assembly finds it on the stack.
typedef struct {
    int8_t *dst[TK_OCTET]; // channel 0 of each column's output
    int32_t zero;          // 2 * the output's zero point + 1
} tk_tile_sparse;

// Computes all channels of eight columns, clipped to int8.
//
//     stream   for each row pairs of bytes, steps to the next input and its weight, and a 0
//     rows     for each row two words, as those of tk_tile_blocks_s8
//     columns  for each input its bytes in the eight columns
//     channels at least one
void tk_tile_sparse_s8(const uint8_t *stream, const uint32_t *rows, const int8_t *columns,
                       uint32_t channels, tk_tile_sparse tile);

#endif
