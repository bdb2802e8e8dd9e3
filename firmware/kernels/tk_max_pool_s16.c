// MAX_POOL_2D of int16 values: the greatest value of each window and channel.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_pool.h"

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_pool_s16_layer *layer = record;
    const tk_window *window = &layer->window;
    const tk_span rows = tk_rows(window, at->y);
    const tk_span columns = tk_columns(window, at->x);
    for (uint32_t channel = 0; channel < window->channels; channel += sizeof(int16_t)) {
        const int32_t best =
            tk_greatest_tap(window, tk_load_s16, INT16_MIN, at->src + channel, &rows, &columns);
        tk_store_s16(at->dst + channel, tk_limit(best, layer->min, layer->max));
    }
}

void tk_max_pool_s16(const tk_pool_s16_layer *layer, const void *src, void *dst)
{
    const tk_position first = {.src = src, .dst = dst};
    tk_for_positions(&layer->window, answer, layer, layer->window.channels, first);
}
