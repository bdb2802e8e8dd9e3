// The portable twin of tk_tile_large_s8.S.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile.h"

#if !TK_DSP
void tk_tile_large_s8(const uint32_t *weights, const uint32_t *rows, const uint32_t *columns,
                      const uint32_t *end, tk_tile tile)
{
    for (uint32_t row = 0; row < tile.channels; row += 2, rows += TK_TILE_RECORD) {
        int32_t sums[2][TK_TILE_COLUMNS];
        for (uint32_t column = 0; column < TK_TILE_COLUMNS; column++) {
            sums[0][column] = (int32_t)rows[0];
            sums[1][column] = (int32_t)rows[1];
        }
        for (const uint32_t *inputs = columns; inputs < end; inputs += TK_TILE_COLUMNS) {
            const uint32_t word = *weights++;
            for (uint32_t column = 0; column < TK_TILE_COLUMNS; column++) {
                sums[0][column] = tk_dot(tk_even_bytes(word), inputs[column], sums[0][column]);
                sums[1][column] = tk_dot(tk_odd_bytes(word), inputs[column], sums[1][column]);
            }
        }
        tk_tile_finish(&tile, sums[0], rows, row);
        if (row + 1 < tile.channels) {
            tk_tile_finish(&tile, sums[1], rows, row + 1);
        }
    }
}
#endif
