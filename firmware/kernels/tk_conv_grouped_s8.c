// CONV_2D in groups: at each output position a product for each group of channels.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_window.h"

// Gathers the channels of one group, which begin at `src`, as tk_gather does for all channels.
static void gather_group(const tk_conv_grouped_layer *layer, const int8_t *src, const tk_span *rows,
                         const tk_span *columns, int8_t *column)
{
    const tk_window *window = &layer->window;
    const int32_t channels = window->channels / layer->groups;
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        const int inside_row = ky >= rows->begin && ky < rows->end;
        for (int32_t kx = 0; kx < window->kernel_width; kx++) {
            if (inside_row && kx >= columns->begin && kx < columns->end) {
                const int8_t *value = tk_tap(window, src, rows, columns, ky, kx);
                for (int32_t i = 0; i < channels; i++) {
                    *column++ = *value++;
                }
            } else {
                for (int32_t i = 0; i < channels; i++) {
                    *column++ = layer->pad_value;
                }
            }
        }
    }
}

static void position(const tk_conv_grouped_layer *layer, const int8_t *src, uint32_t y, uint32_t x,
                     int8_t *out, int8_t *column)
{
    const tk_span rows = tk_rows(&layer->window, y);
    const tk_span columns = tk_columns(&layer->window, x);
    tk_dense_layer part = layer->dense;
    part.out.channels = (uint16_t)(part.out.channels / layer->groups);
    const uint32_t outputs = part.out.channels;
    for (uint32_t group = 0; group < layer->groups; group++) {
        gather_group(layer, src, &rows, &columns, column);
        tk_dense_s8(&part, column, out);
        src += layer->window.channels / layer->groups;
        out += outputs;
        part.weights += outputs * part.inputs;
        part.bias += outputs;
        if (part.out.scales > 1) {
            part.out.multiplier += outputs;
            part.out.shift += outputs;
        }
    }
}

void tk_conv_grouped_s8(const tk_conv_grouped_layer *layer, const int8_t *src, int8_t *dst,
                        int8_t *column)
{
    const tk_window *window = &layer->window;
    for (uint32_t row = 0; row < window->out_height; row++) {
        const uint32_t y = tk_turn(window, row, window->out_height);
        for (uint32_t step = 0; step < window->out_width; step++) {
            const uint32_t x = tk_turn(window, step, window->out_width);
            int8_t *out = dst + (y * window->out_width + x) * layer->dense.out.channels;
            position(layer, src, y, x, out, column);
        }
    }
}
