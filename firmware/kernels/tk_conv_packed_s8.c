// CONV_2D with dense weights on a core with DSP instructions: four output positions at a time.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile.h"
#include "tk_view.h"

// Widens a run of bytes into every fourth word; zeros fill its last group of four up. 8
// instructions for a group.
static uint32_t *widen(const int8_t *src, uint32_t count, uint32_t *column)
{
    const int8_t *end = src + count;
    for (; end - src >= 4; src += 4, column += 2 * TK_TILE_COLUMNS) {
        const uint32_t word = tk_load_word(src);
        column[0] = tk_even_bytes(word);
        column[TK_TILE_COLUMNS] = tk_odd_bytes(word);
    }
    if (src == end) {
        return column;
    }
    uint32_t word = 0;
    while (end > src) {
        word = (word << 8) | (uint8_t)*--end;
    }
    column[0] = tk_even_bytes(word);
    column[TK_TILE_COLUMNS] = tk_odd_bytes(word);
    return column + 2 * TK_TILE_COLUMNS;
}

static void fill_column(const tk_conv_packed_layer *layer, const int8_t *src, uint32_t y,
                        uint32_t x, uint32_t *column, int8_t *bytes)
{
    const tk_window *window = &layer->window;
    const tk_view view = tk_view_at(window, src, y, x);
    const uint32_t run = (uint32_t)window->kernel_width * window->channels;
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        const int8_t *row = tk_view_row(window, layer->pad_value, src, &view, ky, bytes);
        column = widen(row, run, column);
    }
}

void tk_conv_packed_s8(const tk_conv_packed_layer *layer, const int8_t *src, int8_t *dst,
                       int8_t *scratch)
{
    const tk_window *window = &layer->window;
    const uint32_t words = TK_TILE_COLUMNS * layer->pairs;
    uint32_t *columns = (uint32_t *)(void *)scratch;
    const int clipped = layer->out.min > INT8_MIN || layer->out.max < INT8_MAX;
    tk_tile tile = {.channels = layer->out.channels, .zero = 2 * layer->out.zero + 1};
    tk_places at = tk_first_place(window);
    while (at.left > 0) {
        for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
            fill_column(layer, src, at.y, at.x, columns + i, (int8_t *)(columns + words));
            tile.dst[i] = dst + (at.y * window->out_width + at.x) * tile.channels;
            tk_next_place(window, &at);
        }
        tk_tile_s8(layer->weights, layer->rows, columns, columns + words, tile);
        for (uint32_t i = 0; clipped && i < TK_TILE_COLUMNS; i++) {
            tk_clip_channels(&layer->out, tile.dst[i]);
        }
    }
}
