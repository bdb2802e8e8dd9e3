// MAX_POOL_2D: the greatest value of each window and channel.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_pool.h"

void tk_max_pool_s8(const tk_pool_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_window *window = &layer->window;
    for (uint32_t row = 0; row < window->out_height; row++) {
        const uint32_t y = tk_turn(window, row, window->out_height);
        const tk_span rows = tk_rows(window, y);
        for (uint32_t step = 0; step < window->out_width; step++) {
            const uint32_t x = tk_turn(window, step, window->out_width);
            const tk_span columns = tk_columns(window, x);
            int8_t *out = dst + (y * window->out_width + x) * window->channels;
            for (uint32_t channel = 0; channel < window->channels; channel++) {
                const int32_t best =
                    tk_greatest_tap(window, tk_load_s8, INT8_MIN, src + channel, &rows, &columns);
                *out++ = tk_clamp(best, layer->min, layer->max);
            }
        }
    }
}
