// AVERAGE_POOL_2D: the mean of each window and channel, of the taps inside of the image.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_pool.h"

void tk_average_pool_s8(const tk_pool_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_window *window = &layer->window;
    for (uint32_t row = 0; row < window->out_height; row++) {
        const uint32_t y = tk_turn(window, row, window->out_height);
        const tk_span rows = tk_rows(window, y);
        for (uint32_t step = 0; step < window->out_width; step++) {
            const uint32_t x = tk_turn(window, step, window->out_width);
            const tk_span columns = tk_columns(window, x);
            const int32_t count = (rows.end - rows.begin) * (columns.end - columns.begin);
            int8_t *out = dst + (y * window->out_width + x) * window->channels;
            for (uint32_t channel = 0; channel < window->channels; channel++) {
                const int32_t sum =
                    tk_sum_of_taps(window, tk_load_s8, src + channel, &rows, &columns);
                const int32_t half = sum > 0 ? count / 2 : -(count / 2); // halves away from zero
                *out++ = tk_clamp((sum + half) / count, layer->min, layer->max);
            }
        }
    }
}
