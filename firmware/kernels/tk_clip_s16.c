// RELU6 of int16 values: those between two limits.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_s16.h"

void tk_clip_s16(const tk_clip_s16_layer *layer, const void *src, void *dst)
{
    const tk_s16 *in = src;
    tk_s16 *out = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        out[i] = tk_limit(in[i], layer->min, layer->max);
    }
}
