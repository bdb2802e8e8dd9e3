// CONV_2D with weights of at most 16 values on a core with DSP instructions: four output positions
// at a time. Columns are filled one by one, which is less code than tk_conv_packed.h.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_column.h"
#include "tk_tile_codebook.h"

#define PAIRS (TK_CODEBOOK_WORD / 2u) // of inputs, for a word of codes

void tk_conv_codebook_tile_s8(const tk_conv_codebook_tile_layer *layer, const int8_t *src,
                              int8_t *dst, int8_t *scratch)
{
    const tk_conv_packed_layer *packed = &layer->packed;
    const tk_output *out = &packed->out;
    const uint32_t words = TK_TILE_COLUMNS * ((packed->pairs + PAIRS - 1) / PAIRS * PAIRS);
    const int clipped = out->min > INT8_MIN || out->max < INT8_MAX;
    uint32_t *columns = (uint32_t *)(void *)scratch;
    int8_t *copy = scratch + 4 * words;
    tk_tile_codebook with = {.tile = {.channels = out->channels, .zero = 2 * out->zero + 1},
                             .books = layer->books,
                             .values = layer->values};
    tk_places at = tk_first_place(&packed->window);
    while (at.left > 0) {
        for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
            tk_tile_fill_column(packed, src, &at, columns + i, copy);
            with.tile.dst[i] = dst + (at.y * packed->window.out_width + at.x) * out->channels;
            tk_next_place(&packed->window, &at);
        }
        tk_tile_codebook_s8(packed->weights, packed->rows, columns, columns + words, with);
        for (uint32_t i = 0; clipped && i < TK_TILE_COLUMNS; i++) {
            tk_clip_channels(out, with.tile.dst[i]);
        }
    }
}
