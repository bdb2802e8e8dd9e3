// The contract of the inner product of a convolution with a bit for each weight, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TILE_BITMAP_H
#define TK_TILE_BITMAP_H

#include "tk_octet.h"
#include "tk_tile.h"

// Passed by value, so that the assembly finds it on the stack.
typedef struct {
    const int8_t *end;     // of the columns
    uint32_t channels;     // at least one
    int8_t *dst[TK_OCTET]; // channel 0 of each column's output
    int32_t zero;          // 2 * the output's zero point + 1
} tk_tile_bitmap;

// Computes all channels of eight columns, clipped to int8.
//
//     weights  that are not zero, row after row
//     masks    a bit for each weight, as in tk_bitmap_layer
//     rows     as of tk_tile_sparse_s8
//     columns  for each input, at least one, its bytes in the eight columns
void tk_tile_bitmap_s8(const int8_t *weights, const uint32_t *masks, const uint32_t *rows,
                       const int8_t *columns, tk_tile_bitmap tile);

#endif
