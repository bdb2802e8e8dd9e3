// CONV_2D with sparse weights: a product for each output position.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_window.h"

void tk_conv_sparse_s8(const tk_conv_sparse_layer *layer, const int8_t *src, int8_t *dst,
                       int8_t *column)
{
    const tk_window *window = &layer->window;
    for (uint32_t row = 0; row < window->out_height; row++) {
        const uint32_t y = tk_turn(window, row, window->out_height);
        for (uint32_t step = 0; step < window->out_width; step++) {
            const uint32_t x = tk_turn(window, step, window->out_width);
            const int8_t *inputs = tk_gather(window, layer->pad_value, src, y, x, column);
            tk_sparse_s8(&layer->sparse, inputs,
                         dst + (y * window->out_width + x) * layer->sparse.out.channels);
        }
    }
}
