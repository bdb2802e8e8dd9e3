// The column of a tile: a window of the image, widened.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_column.h"
#include "tk_dsp.h"
#include "tk_strip.h"
#include "tk_tile.h"

static int8_t *fill(int8_t *bytes, int8_t value, uint32_t count)
{
    for (const int8_t *end = bytes + count; bytes < end;) {
        *bytes++ = value;
    }
    return bytes;
}

static void gather_dilated(const tk_window *window, int8_t pad_value, const tk_strip *strip,
                           uint32_t rows, int8_t *bytes)
{
    const uint32_t channels = window->channels;
    tk_strip taps = {
        .row = strip->row, .step = window->dilation_width * channels, .inside = channels};
    for (; rows > 0; rows--, taps.row += strip->step) {
        bytes = fill(bytes, pad_value, strip->left);
        tk_strip_s8(bytes, pad_value, strip->inside / channels, &taps);
        bytes = fill(bytes + strip->inside, pad_value, strip->right);
    }
}

// Copies a window that sticks out of the image, or is dilated.
static void gather_edge(const tk_conv_packed_layer *layer, const int8_t *src, const tk_view *view,
                        int8_t *bytes)
{
    const tk_window *window = &layer->window;
    const tk_span *rows = &view->rows;
    const tk_span *columns = &view->columns;
    const uint32_t channels = window->channels;
    const uint32_t run = layer->run;
    if (rows->begin >= rows->end || columns->begin >= columns->end) {
        fill(bytes, layer->pad_value, window->kernel_height * run);
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
    bytes = fill(bytes, layer->pad_value, (uint32_t)rows->begin * run);
    if (window->dilation_width == 1) {
        tk_strip_s8(bytes, layer->pad_value, height, &strip);
    } else {
        gather_dilated(window, layer->pad_value, &strip, height, bytes);
    }
    fill(bytes + height * run, layer->pad_value,
         (uint32_t)(window->kernel_height - rows->end) * run);
}

// Returns the bytes of a window: where they lie, if that is in one piece, or copied.
static const int8_t *gather(const tk_conv_packed_layer *layer, const int8_t *src,
                            const tk_places *at, int8_t *copy)
{
    const tk_window *window = &layer->window;
    const uint32_t inside = (uint32_t)window->kernel_width * window->channels;
    const tk_view view = tk_view_at(window, src, at->y, at->x);
    if (!view.first) {
        gather_edge(layer, src, &view, copy);
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

void tk_tile_fill_column(const tk_conv_packed_layer *layer, const int8_t *src, const tk_places *at,
                         uint32_t *column, int8_t *copy)
{
    const int8_t *bytes = gather(layer, src, at, copy);
    for (uint32_t groups = layer->pairs / 2u; groups > 0; groups--, bytes += 4) {
        const uint32_t word = tk_load_word(bytes);
        column[0] = tk_even_bytes(word);
        column[TK_TILE_COLUMNS] = tk_odd_bytes(word);
        column += 2 * TK_TILE_COLUMNS;
    }
}
