// DEQUANTIZE from int16 to float32. The floats' bytes are copied, since the arena is of int8_t.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_s16.h"

void tk_dequantize_s16_f32(const tk_scale_layer *layer, const void *src, int8_t *dst)
{
    const tk_s16 *in = src;
    for (uint32_t i = 0; i < layer->count; i++) {
        const float value = (float)in[i] * layer->scale;
        __builtin_memcpy(dst + 4 * i, &value, sizeof value);
    }
}
