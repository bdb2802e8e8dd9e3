// CONV_2D with dense weights on a core with DSP instructions, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_CONV_PACKED_H
#define TK_CONV_PACKED_H

#include "tk_column.h"
#include "tk_inline.h"
#include "tk_tile.h"
#include "tk_view.h"

// Widens a tile of windows that are read in place, or returns 0 if they are not. Each lies inside
// of the image if the outermost ones of a row do. What is read behind a window's row, for weights
// that are zero, lies in the image too.
static int tk_tile_widen_row(const tk_conv_packed_layer *layer, const int8_t *src,
                             uint32_t *columns, const tk_places *at)
{
    const tk_window *window = &layer->window;
    const int32_t reach = TK_TILE_COLUMNS - 1;
    if (layer->run % 4 != 0 || at->x_step + TK_TILE_COLUMNS > window->out_width) {
        return 0;
    }
    const uint32_t left = at->x - (window->backward ? (uint32_t)reach : 0);
    const tk_view view = tk_view_at(window, src, at->y, left);
    const int32_t width = window->in_width + window->pad_width - window->kernel_width;
    if (!view.first || (int32_t)(left + (uint32_t)reach) * window->stride_width > width) {
        return 0;
    }
    const int32_t step = window->stride_width * window->channels;
    if (layer->run > window->kernel_width * window->channels) {
        const int8_t *end = src + window->in_height * window->in_width * window->channels;
        const int32_t rows = window->kernel_height - 1;
        if (end - view.first < reach * step + rows * view.row_step + layer->run) {
            return 0;
        }
    }
    tk_widen_s8(window->backward ? view.first + reach * step : view.first,
                window->backward ? -step : step, columns, layer->run / 4u, window->kernel_height,
                (uint32_t)view.row_step - layer->run);
    return 1;
}

TK_INLINE void tk_conv_packed(const tk_conv_packed_layer *layer, tk_tile_kernel *kernel,
                              const int8_t *src, int8_t *dst, int8_t *scratch)
{
    const tk_window *window = &layer->window;
    const uint32_t words = TK_TILE_COLUMNS * layer->pairs;
    const int clipped = layer->out.min > INT8_MIN || layer->out.max < INT8_MAX;
    uint32_t *columns = (uint32_t *)(void *)scratch;
    tk_tile tile = {.channels = layer->out.channels, .zero = 2 * layer->out.zero + 1};
    tk_places at = tk_first_place(window);
    while (at.left > 0) {
        const int widened = tk_tile_widen_row(layer, src, columns, &at);
        for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
            if (!widened) {
                tk_tile_fill_column(layer, src, &at, columns + i, scratch + 4 * words);
            }
            tile.dst[i] = dst + (at.y * window->out_width + at.x) * tile.channels;
            tk_next_place(window, &at);
        }
        kernel(layer->weights, layer->rows, columns, columns + words, tile);
        for (uint32_t i = 0; clipped && i < TK_TILE_COLUMNS; i++) {
            tk_clip_channels(&layer->out, tile.dst[i]);
        }
    }
}

#endif
