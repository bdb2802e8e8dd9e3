// AVERAGE_POOL_2D of int16 values: the mean of each window and channel, of the taps inside of the
// image.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_pool.h"

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_pool_s16_layer *layer = record;
    const tk_pool_taps taps = tk_pool_taps_at(&layer->window, at);
    const int32_t count = taps.rows * taps.columns;
    for (uint32_t channel = 0; channel < layer->window.channels; channel += sizeof(int16_t)) {
        const int32_t sum = tk_sum_of_taps(&taps, tk_load_s16, channel);
        const int32_t half = sum > 0 ? count / 2 : -(count / 2); // halves away from zero
        const int16_t mean = tk_limit((sum + half) / count, layer->min, layer->max);
        tk_store_s16(at->dst + channel, mean);
    }
}

void tk_average_pool_s16(const tk_pool_s16_layer *layer, const void *src, void *dst)
{
    const tk_position first = {.src = src, .dst = dst};
    tk_for_positions(&layer->window, answer, layer, layer->window.channels, first);
}
