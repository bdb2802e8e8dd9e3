// DEPTHWISE_CONV_2D: a small filter for each channel.
//
// A multiply-accumulate is 8 instructions; the floor of one channel at a time is 3 where filters
// are unrolled and the zero point is folded. Layers that are plain take the kernels for four
// channels.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"
#include "tk_taps.h"

// 2 loads, a subtraction, a multiply-accumulate, 2 steps and 2 instructions of loop for each tap.
static int32_t filter(const tk_taps *inside, int32_t from, int32_t channel, int32_t sum)
{
    const int8_t *value = inside->values + from;
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

void tk_depthwise_s8(const tk_depthwise_layer *layer, const int8_t *src, int8_t *dst)
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
            int8_t *out = dst + (y * window->out_width + x) * layer->out.channels;
            int32_t channel = 0;
            for (int32_t from = 0; from < window->channels; from++) {
                for (uint32_t i = 0; i < layer->multiplier; i++, channel++) {
                    const int32_t sum = filter(&inside, from, channel, layer->bias[channel]);
                    *out++ = tk_finish(&layer->out, (uint32_t)channel, sum);
                }
            }
        }
    }
}
