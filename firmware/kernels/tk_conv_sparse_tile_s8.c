// CONV_2D with sparse weights on a core with DSP instructions: eight output positions at a time.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tile_sparse.h"

void tk_conv_sparse_tile_s8(const tk_conv_sparse_tile_layer *layer, const int8_t *src, int8_t *dst,
                            int8_t *scratch)
{
    const tk_output *out = &layer->out;
    const int clipped = out->min > INT8_MIN || out->max < INT8_MAX;
    tk_tile_sparse tile = {.zero = 2 * out->zero + 1};
    tk_places at = tk_first_place(&layer->window);
    while (at.left > 0) {
        tk_fill_octet(&layer->window, layer->pad_value, src, &at, scratch, dst, out->channels,
                      tile.dst);
        tk_tile_sparse_s8(layer->weights, layer->rows, scratch, out->channels, tile);
        for (uint32_t i = 0; clipped && i < TK_OCTET; i++) {
            tk_clip_channels(out, tile.dst[i]);
        }
    }
}
