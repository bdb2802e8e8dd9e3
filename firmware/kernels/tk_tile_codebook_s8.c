// The portable twin of tk_tile_codebook_s8.S: the inner product of a convolution with weights of at
// most 16 values.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile_codebook.h"

#if !TK_DSP
static uint32_t look_up(const int8_t *values, uint32_t codes)
{
    return tk_pair(values[codes & 15u], values[(codes >> 8) & 15u]);
}

// Adds the products of four inputs, whose codes are the low half of `codes`.
static void add_group(const int8_t *values, uint32_t codes, const uint32_t *inputs, int32_t *sums)
{
    for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
        const int32_t sum = tk_dot(look_up(values, codes), inputs[i], sums[i]);
        sums[i] = tk_dot(look_up(values, codes >> 4), inputs[TK_TILE_COLUMNS + i], sum);
    }
}

void tk_tile_codebook_s8(const uint32_t *codes, const uint32_t *rows, const uint32_t *columns,
                         const uint32_t *end, tk_tile_codebook with)
{
    const tk_tile *tile = &with.tile;
    for (uint32_t row = 0; row < tile->channels; row++, rows += 2) {
        const int8_t *values = with.values + TK_CODEBOOK_VALUES * with.books[row];
        int32_t sums[TK_TILE_COLUMNS];
        tk_row_begin(rows, sums, TK_TILE_COLUMNS);
        for (const uint32_t *inputs = columns; inputs < end; inputs += 4 * TK_TILE_COLUMNS) {
            add_group(values, *codes, inputs, sums);
            add_group(values, *codes++ >> 16, inputs + 2 * TK_TILE_COLUMNS, sums);
        }
        tk_row_finish(rows, sums, TK_TILE_COLUMNS, tile->dst, row, tile->zero);
    }
}
#endif
