// CONV_2D with dense weights on a core with DSP instructions: four output positions at a time.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile.h"
#include "tk_window.h"

typedef struct {
    uint32_t y, x;
} place;

static place next(const tk_window *window, place at)
{
    at.x++;
    if (at.x == window->out_width) {
        at.x = 0;
        at.y++;
    }
    return at;
}

// Copies a row of the window that sticks out of the image, or is dilated.
static void gather_row(const tk_conv_packed_layer *layer, const int8_t *src, const tk_span *rows,
                       const tk_span *columns, int32_t ky, int8_t *bytes)
{
    const tk_window *window = &layer->window;
    for (int32_t kx = 0; kx < window->kernel_width; kx++, bytes += window->channels) {
        if (kx >= columns->begin && kx < columns->end) {
            const int8_t *tap = tk_tap(window, src, rows, columns, ky, kx);
            __builtin_memcpy(bytes, tap, window->channels);
        } else {
            __builtin_memset(bytes, layer->pad_value, window->channels);
        }
    }
}

// Widens a window that sticks out of the image, or is dilated, into a column of the tile.
static void widen_any(const tk_conv_packed_layer *layer, const int8_t *src, uint32_t y, uint32_t x,
                      uint32_t *column, int8_t *bytes)
{
    const tk_window *window = &layer->window;
    const tk_span rows = tk_rows(window, y);
    const tk_span columns = tk_columns(window, x);
    const uint32_t run = (uint32_t)window->kernel_width * window->channels;
    const int whole =
        window->dilation_width == 1 && columns.end - columns.begin == window->kernel_width;
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        if (ky < rows.begin || ky >= rows.end) {
            column = tk_fill_pairs(layer->pad_value, run, column, TK_TILE_COLUMNS);
        } else if (whole) {
            const int8_t *first = tk_tap(window, src, &rows, &columns, ky, 0);
            column = tk_widen(first, run, column, TK_TILE_COLUMNS);
        } else {
            gather_row(layer, src, &rows, &columns, ky, bytes);
            column = tk_widen(bytes, run, column, TK_TILE_COLUMNS);
        }
    }
}

static void widen(const tk_conv_packed_layer *layer, const int8_t *src, uint32_t y, uint32_t x,
                  uint32_t *column, int8_t *bytes)
{
    const tk_window *window = &layer->window;
    const int32_t top = (int32_t)(y * window->stride_height) - window->pad_height;
    const int32_t left = (int32_t)(x * window->stride_width) - window->pad_width;
    const int32_t reach = (window->kernel_height - 1) * window->dilation_height;
    if (window->dilation_width > 1 || top < 0 || left < 0 || top + reach >= window->in_height ||
        left + window->kernel_width > window->in_width) {
        widen_any(layer, src, y, x, column, bytes);
        return;
    }
    const uint32_t run = (uint32_t)window->kernel_width * window->channels;
    const int32_t row_bytes = window->in_width * window->channels;
    const int8_t *row = src + top * row_bytes + left * window->channels;
    for (uint32_t ky = 0; ky < window->kernel_height; ky++) {
        column = tk_widen(row, run, column, TK_TILE_COLUMNS);
        row += row_bytes * window->dilation_height;
    }
}

static void clip(const tk_conv_packed_layer *layer, int8_t *dst)
{
    for (uint32_t channel = 0; channel < layer->channels; channel++) {
        dst[channel] = tk_clamp(dst[channel], layer->min, layer->max);
    }
}

void tk_conv_packed_s8(const tk_conv_packed_layer *layer, const int8_t *src, int8_t *dst,
                       int8_t *scratch)
{
    const tk_window *window = &layer->window;
    const uint32_t positions = (uint32_t)window->out_height * window->out_width;
    const uint32_t words = TK_TILE_COLUMNS * layer->pairs;
    uint32_t *columns = (uint32_t *)(void *)scratch;
    const int clipped = layer->min > INT8_MIN || layer->max < INT8_MAX;
    tk_tile tile = {.channels = layer->channels, .zero = layer->zero};
    place at = {0, 0};
    for (uint32_t first = 0; first < positions; first += TK_TILE_COLUMNS) {
        for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
            // a column behind the last position computes that one again
            const uint32_t y = tk_turn(window, at.y, window->out_height);
            const uint32_t x = tk_turn(window, at.x, window->out_width);
            widen(layer, src, y, x, columns + i, (int8_t *)(columns + words));
            tile.dst[i] = dst + (y * window->out_width + x) * layer->channels;
            if (first + i + 1 < positions) {
                at = next(window, at);
            }
        }
        tk_tile_s8(layer->weights, layer->rows, columns, columns + words, tile);
        for (uint32_t i = 0; clipped && i < TK_TILE_COLUMNS; i++) {
            clip(layer, tile.dst[i]);
        }
    }
}
