// The portable twin of tk_tile_bitmap_s8.S: the inner product of a convolution with a bit for each
// weight.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile_bitmap.h"

#if !TK_DSP
// Adds the products of a word, and returns what is behind its weights.
static const int8_t *add_word(uint32_t mask, const int8_t *weights, const int8_t *inputs,
                              int32_t *sums)
{
    for (; mask != 0; mask <<= 1, inputs += TK_OCTET) {
        if (mask >> 31) {
            for (uint32_t i = 0; i < TK_OCTET; i++) {
                sums[i] += *weights * inputs[i];
            }
            weights++;
        }
    }
    return weights;
}

void tk_tile_bitmap_s8(const int8_t *weights, const uint32_t *masks, const uint32_t *rows,
                       const int8_t *columns, tk_tile_bitmap tile)
{
    for (uint32_t row = 0; row < tile.channels; row++, rows += 2) {
        int32_t sums[TK_OCTET];
        tk_row_begin(rows, sums, TK_OCTET);
        const uint32_t bytes = (uint32_t)(tile.end - columns);
        for (uint32_t at = 0; at < bytes; at += TK_OCTET * TK_BITMAP_WORD) {
            weights = add_word(*masks++, weights, columns + at, sums);
        }
        tk_row_finish(rows, sums, TK_OCTET, tile.dst, row, tile.zero);
    }
}
#endif
