// DEPTHWISE_CONV_2D: a small filter for each channel.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"
#include "tk_window.h"

// The sum of one output channel over the taps inside of the image. Taps outside count as the
// input's zero point and so add nothing.
static int32_t filter(const tk_depthwise_layer *layer, const int8_t *src, const tk_span *rows,
                      const tk_span *columns, uint32_t channel, uint32_t from)
{
    const tk_window *window = &layer->window;
    const int32_t pixel = window->channels * window->dilation_width;
    const int32_t zero = layer->in_zero;
    int32_t sum = layer->bias[channel];
    for (int32_t ky = rows->begin; ky < rows->end; ky++) {
        const int8_t *value = tk_tap(window, src, rows, columns, ky, columns->begin) + from;
        const int32_t tap = ky * window->kernel_width + columns->begin;
        const int8_t *weight = layer->weights + tap * layer->out.channels + channel;
        for (int32_t kx = columns->begin; kx < columns->end; kx++) {
            sum += (*value - zero) * *weight;
            value += pixel;
            weight += layer->out.channels;
        }
    }
    return sum;
}

void tk_depthwise_s8(const tk_depthwise_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_window *window = &layer->window;
    for (uint32_t y = 0; y < window->out_height; y++) {
        const tk_span rows = tk_rows(window, y);
        for (uint32_t x = 0; x < window->out_width; x++) {
            const tk_span columns = tk_columns(window, x);
            uint32_t channel = 0;
            for (uint32_t from = 0; from < window->channels; from++) {
                for (uint32_t i = 0; i < layer->multiplier; i++, channel++) {
                    const int32_t sum = filter(layer, src, &rows, &columns, channel, from);
                    *dst++ = tk_finish(&layer->out, channel, sum);
                }
            }
        }
    }
}
