// QUANTIZE from float32. The bytes are copied, since the arena is of int8_t.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"
#include "tk_nearest.h"

void tk_quantize_f32_s8(const tk_scale_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t i = 0; i < layer->count; i++) {
        float value;
        __builtin_memcpy(&value, src + 4 * i, sizeof value);
        const int32_t steps = tk_nearest(value / layer->scale, 1024.0f);
        dst[i] = tk_clamp(steps + layer->zero, INT8_MIN, INT8_MAX);
    }
}
