// The portable twin of tk_tile_sparse_s8.S: the inner product of a convolution with sparse weights.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile_sparse.h"

#if !TK_DSP
static void add(int32_t weight, uint32_t inputs, int32_t *sums)
{
    sums[0] += weight * tk_low(tk_even_bytes(inputs));
    sums[1] += weight * tk_low(tk_odd_bytes(inputs));
    sums[2] += weight * tk_high(tk_even_bytes(inputs));
    sums[3] += weight * tk_high(tk_odd_bytes(inputs));
}

void tk_tile_sparse_s8(const int8_t *weights, const uint8_t *indices, const uint8_t *counts,
                       const uint32_t *columns, tk_tile_sparse tile)
{
    for (uint32_t row = 0; row < tile.channels; row++) {
        int32_t sums[TK_TILE_COLUMNS];
        for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
            sums[i] = tile.bias[row];
        }
        for (uint32_t segment = 0; segment < tile.segments; segment++) {
            for (uint32_t left = *counts++; left > 0; left--) {
                add(*weights++, columns[segment * TK_SPARSE_SEGMENT + *indices++], sums);
            }
        }
        const uint32_t shift = (uint32_t)-tile.shift[row * tile.step];
        const int32_t half = tile.zero * (int32_t)(1u << (shift - 1));
        for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
            tile.dst[i][row] =
                tk_finish_plain(sums[i], tile.multiplier[row * tile.step], shift, half);
        }
    }
}
#endif
