// QUANTIZE from float32 to int16. The floats' bytes are copied, since the arena is of int8_t.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_nearest.h"
#include "tk_s16.h"

void tk_quantize_f32_s16(const tk_scale_layer *layer, const int8_t *src, void *dst)
{
    tk_s16 *out = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        float value;
        __builtin_memcpy(&value, src + 4 * i, sizeof value);
        out[i] = tk_limit(tk_nearest(value / layer->scale, 65536.0f), INT16_MIN, INT16_MAX);
    }
}
