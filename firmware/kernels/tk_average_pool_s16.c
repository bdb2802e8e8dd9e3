// AVERAGE_POOL_2D of int16 values: the mean of each window and channel, of the taps inside of the
// image.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_pool.h"

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_pool_s16_layer *layer = record;
    const tk_window *window = &layer->window;
    const tk_span rows = tk_rows(window, at->y);
    const tk_span columns = tk_columns(window, at->x);
    const int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
    for (uint32_t channel = 0; channel < window->channels; channel += sizeof(int16_t)) {
        const int32_t sum = tk_sum_of_taps(window, tk_load_s16, at->src + channel, &rows, &columns);
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
