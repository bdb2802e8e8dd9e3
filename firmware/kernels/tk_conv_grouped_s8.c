// CONV_2D in groups: at each output position a product for each group of channels.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_groups.h"

static void position(const tk_conv_grouped_layer *layer, const int8_t *src, uint32_t y, uint32_t x,
                     int8_t *out, int8_t *column)
{
    const tk_span rows = tk_rows(&layer->window, y);
    const tk_span columns = tk_columns(&layer->window, x);
    tk_dense_layer part = layer->dense;
    part.out.channels = (uint16_t)(part.out.channels / layer->groups);
    const uint32_t outputs = part.out.channels;
    for (uint32_t group = 0; group < layer->groups; group++) {
        tk_gather_group(&layer->window, layer->groups, layer->pad_value, src, &rows, &columns,
                        column);
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
