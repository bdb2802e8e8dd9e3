// CONV_2D with a bit for each weight on a core with DSP instructions: eight output positions at a
// time.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile_bitmap.h"

void tk_conv_bitmap_tile_s8(const tk_conv_bitmap_tile_layer *layer, const int8_t *src, int8_t *dst,
                            int8_t *scratch)
{
    const tk_window *window = &layer->window;
    const tk_output *out = &layer->out;
    const uint32_t run = (uint32_t)window->kernel_width * window->channels;
    const int clipped = out->min > INT8_MIN || out->max < INT8_MAX;
    tk_tile_bitmap tile = {
        .end = scratch + TK_OCTET * run * window->kernel_height,
        .channels = out->channels,
        .zero = 2 * out->zero + 1,
    };
    tk_places at = tk_first_place(window);
    while (at.left > 0) {
        tk_fill_octet(window, layer->pad_value, src, &at, scratch, dst, out->channels, tile.dst);
        tk_tile_bitmap_s8(layer->weights, layer->masks, layer->rows, scratch, tile);
        for (uint32_t i = 0; clipped && i < TK_OCTET; i++) {
            tk_clip_channels(out, tile.dst[i]);
        }
    }
}
