// QUANTIZE from one int8 scale to another.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

void tk_requantize_s8(const tk_requantize_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t i = 0; i < layer->count; i++) {
        const int32_t scaled = tk_rescale(src[i] - layer->in_zero, layer->multiplier, layer->shift);
        dst[i] = tk_clamp(scaled + layer->out_zero, INT8_MIN, INT8_MAX);
    }
}
