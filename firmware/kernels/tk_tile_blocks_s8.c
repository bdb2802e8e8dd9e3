// The portable twin of tk_tile_blocks_s8.S: the inner product of a convolution with weights in
// blocks of four inputs.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile.h"

#if !TK_DSP
#define GROUP_WORDS (2 * TK_TILE_COLUMNS)

// Adds the products of a row, and returns what is behind it.
static const uint8_t *add_row(const uint8_t *stream, const uint32_t *columns, int32_t *sums)
{
    uint32_t group = UINT32_MAX;
    for (; *stream; stream += 5) {
        group += *stream;
        const uint32_t word = tk_load_word(stream + 1);
        const uint32_t *inputs = columns + GROUP_WORDS * group;
        for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
            const int32_t sum = tk_dot(tk_even_bytes(word), inputs[i], sums[i]);
            sums[i] = tk_dot(tk_odd_bytes(word), inputs[TK_TILE_COLUMNS + i], sum);
        }
    }
    return stream + 1;
}

void tk_tile_blocks_s8(const uint32_t *weights, const uint32_t *rows, const uint32_t *columns,
                       const uint32_t *end, tk_tile tile)
{
    (void)end; // rows have ends of their own
    const uint8_t *stream = (const uint8_t *)weights;
    for (uint32_t row = 0; row < tile.channels; row++, rows += 2) {
        int32_t sums[TK_TILE_COLUMNS];
        tk_row_begin(rows, sums, TK_TILE_COLUMNS);
        stream = add_row(stream, columns, sums);
        tk_row_finish(rows, sums, TK_TILE_COLUMNS, tile.dst, row, tile.zero);
    }
}
#endif
