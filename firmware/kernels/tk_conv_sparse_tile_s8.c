// CONV_2D with sparse weights on a core with DSP instructions: four output positions at a time.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile_sparse.h"
#include "tk_view.h"

// Writes a run of bytes to every fourth byte.
static int8_t *spread(const int8_t *src, uint32_t count, int8_t *column)
{
    for (const int8_t *end = src + count; src < end; column += TK_TILE_COLUMNS) {
        *column = *src++;
    }
    return column;
}

static void fill_column(const tk_conv_sparse_layer *layer, const int8_t *src, uint32_t y,
                        uint32_t x, int8_t *column, int8_t *bytes)
{
    const tk_window *window = &layer->window;
    const tk_view view = tk_view_at(window, src, y, x);
    const uint32_t run = (uint32_t)window->kernel_width * window->channels;
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        const int8_t *row = tk_view_row(window, layer->pad_value, src, &view, ky, bytes);
        column = spread(row, run, column);
    }
}

void tk_conv_sparse_tile_s8(const tk_conv_sparse_layer *layer, const int8_t *src, int8_t *dst,
                            int8_t *scratch)
{
    const tk_window *window = &layer->window;
    const tk_sparse_layer *sparse = &layer->sparse;
    const tk_output *out = &sparse->out;
    const int clipped = out->min > INT8_MIN || out->max < INT8_MAX;
    int8_t *bytes = scratch + TK_TILE_COLUMNS * sparse->inputs;
    tk_tile_sparse tile = {
        .channels = out->channels,
        .zero = 2 * out->zero + 1,
        .segments = (sparse->inputs + TK_SPARSE_SEGMENT - 1u) / TK_SPARSE_SEGMENT,
        .step = out->scales > 1,
        .bias = sparse->bias,
        .multiplier = out->multiplier,
        .shift = out->shift,
    };
    tk_places at = tk_first_place(window);
    while (at.left > 0) {
        for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
            fill_column(layer, src, at.y, at.x, scratch + i, bytes);
            tile.dst[i] = dst + (at.y * window->out_width + at.x) * tile.channels;
            tk_next_place(window, &at);
        }
        tk_tile_sparse_s8(sparse->weights, sparse->indices, sparse->counts,
                          (const uint32_t *)(const void *)scratch, tile);
        for (uint32_t i = 0; clipped && i < TK_TILE_COLUMNS; i++) {
            tk_clip_channels(out, tile.dst[i]);
        }
    }
}
