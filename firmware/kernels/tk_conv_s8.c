// CONV_2D with dense weights: a product for each output position.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_window.h"

void tk_conv_s8(const tk_conv_layer *layer, const int8_t *src, int8_t *dst, int8_t *column)
{
    const tk_window *window = &layer->window;
    for (uint32_t y = 0; y < window->out_height; y++) {
        for (uint32_t x = 0; x < window->out_width; x++) {
            const int8_t *inputs = tk_gather(window, layer->pad_value, src, y, x, column);
            tk_dense_s8(&layer->dense, inputs, dst);
            dst += layer->dense.out.channels;
        }
    }
}
