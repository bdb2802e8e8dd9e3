// The contract of the inner product of a convolution with weights of at most 16 values, for kernels
// only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TILE_CODEBOOK_H
#define TK_TILE_CODEBOOK_H

#include "tk_tile.h"

// Passed by value, so that the assembly finds it on the stack.
typedef struct {
    tk_tile tile;
    const uint8_t *books; // as in tk_codebook_layer
    const int8_t *values;
} tk_tile_codebook;

// Computes all channels, at least one, of four columns.
//
//     codes     of whole words for each row, as in tk_codebook_layer
//     rows      as of tk_tile_blocks_s8
//     columns   as of tk_tile_s8, to `end`: at least one multiple of TK_CODEBOOK_WORD inputs
void tk_tile_codebook_s8(const uint32_t *codes, const uint32_t *rows, const uint32_t *columns,
                         const uint32_t *end, tk_tile_codebook with);

#endif
