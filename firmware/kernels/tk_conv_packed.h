// CONV_2D with dense weights on a core with DSP instructions, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_CONV_PACKED_H
#define TK_CONV_PACKED_H

#include "tk_inline.h"
#include "tk_strip.h"
#include "tk_tile.h"
#include "tk_view.h"

static int8_t *tk_tile_fill(int8_t *bytes, int8_t value, uint32_t count)
{
    for (const int8_t *end = bytes + count; bytes < end;) {
        *bytes++ = value;
    }
    return bytes;
}

static void tk_tile_gather_dilated(const tk_window *window, int8_t pad_value, const tk_strip *strip,
                                   uint32_t rows, int8_t *bytes)
{
    const uint32_t channels = window->channels;
    tk_strip taps = {
        .row = strip->row, .step = window->dilation_width * channels, .inside = channels};
    for (; rows > 0; rows--, taps.row += strip->step) {
        bytes = tk_tile_fill(bytes, pad_value, strip->left);
        tk_strip_s8(bytes, pad_value, strip->inside / channels, &taps);
        bytes = tk_tile_fill(bytes + strip->inside, pad_value, strip->right);
    }
}

// Copies a window that sticks out of the image, or is dilated.
static void tk_tile_gather_edge(const tk_conv_packed_layer *layer, const int8_t *src,
                                const tk_view *view, int8_t *bytes)
{
    const tk_window *window = &layer->window;
    const tk_span *rows = &view->rows;
    const tk_span *columns = &view->columns;
    const uint32_t channels = window->channels;
    const uint32_t run = layer->run;
    if (rows->begin >= rows->end || columns->begin >= columns->end) {
        tk_tile_fill(bytes, layer->pad_value, window->kernel_height * run);
        return;
    }
    const uint32_t height = (uint32_t)(rows->end - rows->begin);
    const tk_strip strip = {
        .row = tk_tap(window, src, rows, columns, rows->begin, columns->begin),
        .step = (uint32_t)window->in_width * channels * window->dilation_height,
        .left = (uint32_t)columns->begin * channels,
        .inside = (uint32_t)(columns->end - columns->begin) * channels,
        .right = run - (uint32_t)columns->end * channels,
    };
    bytes = tk_tile_fill(bytes, layer->pad_value, (uint32_t)rows->begin * run);
    if (window->dilation_width == 1) {
        tk_strip_s8(bytes, layer->pad_value, height, &strip);
    } else {
        tk_tile_gather_dilated(window, layer->pad_value, &strip, height, bytes);
    }
    tk_tile_fill(bytes + height * run, layer->pad_value,
                 (uint32_t)(window->kernel_height - rows->end) * run);
}

// Returns the bytes of a window: where they lie, if that is in one piece, or copied.
static const int8_t *tk_tile_gather(const tk_conv_packed_layer *layer, const int8_t *src,
                                    const tk_places *at, int8_t *copy)
{
    const tk_window *window = &layer->window;
    const uint32_t inside = (uint32_t)window->kernel_width * window->channels;
    const tk_view view = tk_view_at(window, src, at->y, at->x);
    if (!view.first) {
        tk_tile_gather_edge(layer, src, &view, copy);
        return copy;
    }
    if (window->kernel_height == 1 && window->kernel_width == 1 && inside % 4 == 0) {
        return view.first;
    }
    const tk_strip strip = {.row = view.first,
                            .step = (uint32_t)view.row_step,
                            .inside = inside,
                            .right = layer->run - inside};
    tk_strip_s8(copy, layer->pad_value, window->kernel_height, &strip);
    return copy;
}

// Fills a column, if need be by way of `copy`; weights of zero see what fills its last group up. A
// function of its own, since its stack is not needed while a tile is computed.
TK_APART void tk_tile_fill_column(const tk_conv_packed_layer *layer, const int8_t *src,
                                  const tk_places *at, uint32_t *column, int8_t *copy)
{
    const int8_t *bytes = tk_tile_gather(layer, src, at, copy);
    for (uint32_t groups = layer->pairs / 2u; groups > 0; groups--, bytes += 4) {
        const uint32_t word = tk_load_word(bytes);
        column[0] = tk_even_bytes(word);
        column[TK_TILE_COLUMNS] = tk_odd_bytes(word);
        column += 2 * TK_TILE_COLUMNS;
    }
}

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
