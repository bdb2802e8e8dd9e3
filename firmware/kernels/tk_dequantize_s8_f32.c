// DEQUANTIZE to float32. The bytes are copied, since the arena is of int8_t.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

void tk_dequantize_s8_f32(const tk_scale_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t i = 0; i < layer->count; i++) {
        const float value = (float)(src[i] - layer->zero) * layer->scale;
        __builtin_memcpy(dst + 4 * i, &value, sizeof value);
    }
}
