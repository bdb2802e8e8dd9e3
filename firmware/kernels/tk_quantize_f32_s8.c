// QUANTIZE from float32. The bytes are copied, since the arena is of int8_t.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

// The nearest integer, halves away from zero, of a value in the range of int32.
static int32_t nearest(float value)
{
    const int32_t whole = (int32_t)value;
    const float rest = value - (float)whole; // exact: both are within one of each other
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

void tk_quantize_f32_s8(const tk_scale_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t i = 0; i < layer->count; i++) {
        float value;
        __builtin_memcpy(&value, src + 4 * i, sizeof value);
        value /= layer->scale;
        // far outside of int8 only the sign matters, and the conversion must stay defined
        value = value > 1024.0f ? 1024.0f : value;
        value = value > -1024.0f ? value : -1024.0f;
        dst[i] = tk_clamp(nearest(value) + layer->zero, INT8_MIN, INT8_MAX);
    }
}
