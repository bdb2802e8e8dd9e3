// The portable twin of tk_tile_sparse_s8.S: the inner product of a convolution with sparse weights.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile_sparse.h"

#if !TK_DSP
// Adds the products of a row, and returns what is behind it.
static const uint8_t *add_row(const uint8_t *stream, const int8_t *columns, int32_t *sums)
{
    uint32_t input = UINT32_MAX;
    for (; *stream; stream += 2) {
        input += *stream;
        for (uint32_t i = 0; i < TK_OCTET; i++) {
            sums[i] += (int8_t)stream[1] * columns[input * TK_OCTET + i];
        }
    }
    return stream + 1;
}

void tk_tile_sparse_s8(const uint8_t *stream, const uint32_t *rows, const int8_t *columns,
                       uint32_t channels, tk_tile_sparse tile)
{
    for (uint32_t row = 0; row < channels; row++, rows += 2) {
        int32_t sums[TK_OCTET];
        tk_row_begin(rows, sums, TK_OCTET);
        stream = add_row(stream, columns, sums);
        tk_row_finish(rows, sums, TK_OCTET, tile.dst, row, tile.zero);
    }
}
#endif
