// The portable twin of tk_widen_s8.S: widens runs of inputs to the columns of a tile.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile.h"

#if !TK_DSP
void tk_widen_s8(const int8_t *src, int32_t step, uint32_t *columns, uint32_t groups, uint32_t rows,
                 uint32_t skip)
{
    for (; rows > 0; rows--, src += skip) {
        for (uint32_t i = 0; i < groups; i++, src += 4, columns += 2 * TK_TILE_COLUMNS) {
            for (int32_t column = 0; column < TK_TILE_COLUMNS; column++) {
                const uint32_t word = tk_load_word(src + column * step);
                columns[column] = tk_even_bytes(word);
                columns[TK_TILE_COLUMNS + column] = tk_odd_bytes(word);
            }
        }
    }
}
#endif
