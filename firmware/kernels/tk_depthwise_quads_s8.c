// DEPTHWISE_CONV_2D of one output channel for each of the image, on cores without DSP instructions:
// four channels at a time, what is left one by one.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_quads.h"

static int32_t filter(const tk_taps *inside, uint32_t channel, int32_t sum)
{
    const int8_t *value = inside->values + channel;
    const int8_t *weight = inside->weights + channel;
    for (int32_t row = inside->rows; row > 0; row--) {
        for (int32_t column = inside->columns; column > 0; column--) {
            sum += (*value - inside->zero) * *weight;
            value += inside->pixel;
            weight += inside->channels;
        }
        value += inside->value_row;
        weight += inside->weight_row;
    }
    return sum;
}

static void position(const tk_depthwise_layer *layer, const tk_taps *inside, int8_t *dst)
{
    const tk_output *out = &layer->out;
    const int some = inside->rows > 0 && inside->columns > 0;
    uint32_t channel = 0;
    for (; channel + TK_QUAD <= out->channels; channel += TK_QUAD) {
        int32_t sums[TK_QUAD];
        __builtin_memcpy(sums, layer->bias + channel, sizeof sums);
        if (some) {
            tk_tap_sums_s8(inside, inside->values + channel, inside->weights + channel, sums);
        }
        tk_finish_quad_s8(sums, out, channel, dst + channel);
    }
    for (; channel < out->channels; channel++) {
        dst[channel] = tk_finish(out, channel, filter(inside, channel, layer->bias[channel]));
    }
}

void tk_depthwise_quads_s8(const tk_depthwise_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_window *window = &layer->window;
    for (uint32_t row = 0; row < window->out_height; row++) {
        const uint32_t y = tk_turn(window, row, window->out_height);
        const tk_span rows = tk_rows(window, y);
        for (uint32_t step = 0; step < window->out_width; step++) {
            const uint32_t x = tk_turn(window, step, window->out_width);
            const tk_span columns = tk_columns(window, x);
            const tk_taps inside = tk_taps_at(window, layer->weights, layer->out.channels,
                                              layer->in_zero, src, &rows, &columns);
            position(layer, &inside, dst + (y * window->out_width + x) * layer->out.channels);
        }
    }
}
