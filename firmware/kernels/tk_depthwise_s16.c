// DEPTHWISE_CONV_2D of int16 values: a small filter for each channel.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_load.h"
#include "tk_positions.h"
#include "tk_taps.h"

static int64_t filter(const tk_taps *inside, const int8_t *value, const int8_t *weight, int64_t sum)
{
    for (int32_t row = inside->rows; row > 0; row--) {
        for (int32_t column = inside->columns; column > 0; column--) {
            sum += tk_load_s16(value) * *weight;
            value += inside->pixel;
            weight += inside->channels;
        }
        value += inside->value_row;
        weight += inside->weight_row;
    }
    return sum;
}

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_depthwise_s16_layer *layer = record;
    const tk_span rows = tk_rows(&layer->window, at->y);
    const tk_span columns = tk_columns(&layer->window, at->x);
    const tk_taps inside = tk_taps_at(&layer->window, layer->weights, layer->out.channels, 0,
                                      at->src, &rows, &columns);
    tk_s16 *out = (void *)at->dst;
    for (uint32_t channel = 0; channel < layer->out.channels; channel++) {
        const int8_t *value = inside.values + channel / layer->multiplier * sizeof(int16_t);
        const int64_t sum = filter(&inside, value, inside.weights + channel, layer->bias[channel]);
        *out++ = tk_finish_s16(&layer->out, channel, sum);
    }
}

void tk_depthwise_s16(const tk_depthwise_s16_layer *layer, const void *src, void *dst)
{
    const tk_position first = {.src = src, .dst = dst};
    const uint32_t bytes = layer->out.channels * (uint32_t)sizeof(int16_t);
    tk_for_positions(&layer->window, answer, layer, bytes, first);
}
