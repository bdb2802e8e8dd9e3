// The contract of the inner product of a convolution, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TILE_H
#define TK_TILE_H

#include "tk_dsp.h"

#define TK_TILE_COLUMNS 4
// words: biases of both rows, doubled multipliers, shifts to the right less 1 in the two low bytes
#define TK_TILE_RECORD 5

// Passed by value, so that the assembly finds it on the stack.
typedef struct {
    int8_t *dst[TK_TILE_COLUMNS]; // channel 0 of each column's output
    uint32_t channels;
    int32_t zero; // 2 * the output's zero point + 1
} tk_tile;

// Computes all channels of four columns.
//
//     weights   for each pair of rows and each two inputs a, b a word of r0a r1a r0b r1b
//     rows      for each pair of rows a record
//     columns   for each two inputs a word a b of each column, to `end`; a multiple of 4 inputs
typedef void tk_tile_kernel(const uint32_t *weights, const uint32_t *rows, const uint32_t *columns,
                            const uint32_t *end, tk_tile tile);
tk_tile_kernel tk_tile_large_s8;

// The same where half a word is 256 * r1a + r0a as 16 bits, and the odd row's bias is 256 times its
// own plus the even row's; the odd row's sum is below 2^23.
tk_tile_kernel tk_tile_s8;

// The same for weights in blocks of four inputs. `weights` are bytes, for each row its blocks and a
// 0: a block is the step to its group of inputs from the one before, and weights a b c d. `rows`
// holds for each row two words, bias and shift to the right less 1, and the doubled multiplier.
#define TK_SHIFT_BITS 5 // of the first word
tk_tile_kernel tk_tile_blocks_s8;

// Stores the outputs of one row of a pair, for portable twins.
static inline void tk_tile_finish(const tk_tile *tile, const int32_t *sums, const uint32_t *pair,
                                  uint32_t row)
{
    const uint32_t odd = row & 1u;
    const uint32_t less = (pair[4] >> (8 * odd)) & 0xffu;
    for (uint32_t column = 0; column < TK_TILE_COLUMNS; column++) {
        tile->dst[column][row] = tk_finish_doubled(sums[column], pair[2 + odd], less, tile->zero);
    }
}

// Begins the sums of a row of two words, for portable twins.
static inline void tk_row_begin(const uint32_t *row, int32_t *sums, uint32_t columns)
{
    for (uint32_t i = 0; i < columns; i++) {
        sums[i] = tk_floor_shift((int32_t)row[0], TK_SHIFT_BITS);
    }
}

// Stores the outputs of such a row, `dst` being those of each column.
static inline void tk_row_finish(const uint32_t *row, const int32_t *sums, uint32_t columns,
                                 int8_t *const *dst, uint32_t channel, int32_t zero)
{
    const uint32_t less = row[0] & ((1u << TK_SHIFT_BITS) - 1u);
    for (uint32_t i = 0; i < columns; i++) {
        dst[i][channel] = tk_finish_doubled(sums[i], row[1], less, zero);
    }
}

// Widens the windows of four positions to such columns. The first one lies at `src`, the next ones
// `step` bytes behind it each. Each is `rows` runs, at least one, of `groups` times four inputs, at
// least one, with `skip` bytes between two runs.
void tk_widen_s8(const int8_t *src, int32_t step, uint32_t *columns, uint32_t groups, uint32_t rows,
                 uint32_t skip);

#endif
