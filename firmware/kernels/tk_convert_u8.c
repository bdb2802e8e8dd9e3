// QUANTIZE and DEQUANTIZE of uint8, as which some models take or give what is int8 inside. A uint8
// is taken for the int8 that is 128 less, and its zero point too.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

#define FLIP 0x80

static int32_t signed_of(uint8_t value) { return (int8_t)(value ^ FLIP); }

static int8_t requantized(const tk_requantize_layer *layer, int32_t value)
{
    const int32_t scaled = tk_rescale(value - layer->in_zero, layer->multiplier, layer->shift);
    return tk_clamp(scaled + layer->out_zero, INT8_MIN, INT8_MAX);
}

void tk_requantize_u8_s8(const tk_requantize_layer *layer, const void *src, int8_t *dst)
{
    const uint8_t *from = src;
    for (uint32_t i = 0; i < layer->count; i++) {
        dst[i] = requantized(layer, signed_of(from[i]));
    }
}

void tk_requantize_s8_u8(const tk_requantize_layer *layer, const int8_t *src, void *dst)
{
    uint8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        to[i] = (uint8_t)requantized(layer, src[i]) ^ FLIP;
    }
}

void tk_dequantize_u8_f32(const tk_scale_layer *layer, const void *src, int8_t *dst)
{
    const uint8_t *from = src;
    for (uint32_t i = 0; i < layer->count; i++) {
        const float value = (float)(signed_of(from[i]) - layer->zero) * layer->scale;
        __builtin_memcpy(dst + 4 * i, &value, sizeof value);
    }
}
