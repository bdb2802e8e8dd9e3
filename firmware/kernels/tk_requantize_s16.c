// QUANTIZE from or to int16, to another scale.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_load.h"

static int32_t requantized(const tk_requantize_layer *layer, int32_t value)
{
    const int32_t centred = value - layer->in_zero;
    return tk_rescale(centred, layer->multiplier, layer->shift) + layer->out_zero;
}

void tk_requantize_s16(const tk_requantize_layer *layer, const void *src, void *dst)
{
    const tk_s16 *in = src;
    tk_s16 *out = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        out[i] = tk_limit(requantized(layer, in[i]), INT16_MIN, INT16_MAX);
    }
}

void tk_requantize_s16_s8(const tk_requantize_layer *layer, const void *src, int8_t *dst)
{
    const tk_s16 *in = src;
    for (uint32_t i = 0; i < layer->count; i++) {
        dst[i] = tk_clamp(requantized(layer, in[i]), INT8_MIN, INT8_MAX);
    }
}

void tk_requantize_s8_s16(const tk_requantize_layer *layer, const int8_t *src, void *dst)
{
    tk_s16 *out = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        out[i] = tk_limit(requantized(layer, src[i]), INT16_MIN, INT16_MAX);
    }
}
