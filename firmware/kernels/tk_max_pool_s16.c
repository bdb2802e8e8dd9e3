// MAX_POOL_2D of int16 values: the greatest value of each window and channel.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_pool.h"

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_pool_s16_layer *layer = record;
    const tk_pool_taps taps = tk_pool_taps_at(&layer->window, at);
    for (uint32_t channel = 0; channel < layer->window.channels; channel += sizeof(int16_t)) {
        const int32_t best = tk_greatest_tap(&taps, tk_load_s16, INT16_MIN, channel);
        tk_store_s16(at->dst + channel, tk_limit(best, layer->min, layer->max));
    }
}

void tk_max_pool_s16(const tk_pool_s16_layer *layer, const void *src, void *dst)
{
    const tk_position first = {.src = src, .dst = dst};
    tk_for_positions(&layer->window, answer, layer, layer->window.channels, first);
}
