// MEAN over neighbouring axes.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

void tk_mean_s8(const tk_mean_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t outer = 0; outer < layer->outer; outer++) {
        for (uint32_t inner = 0; inner < layer->inner; inner++) {
            int32_t sum = layer->in_offset;
            const int8_t *value = src + inner;
            for (uint32_t i = 0; i < layer->count; i++) {
                sum += *value;
                value += layer->inner;
            }
            const int32_t scaled = tk_rescale(sum, layer->multiplier, layer->shift);
            *dst++ = tk_clamp(scaled + layer->out_zero, INT8_MIN, INT8_MAX);
        }
        src += layer->count * layer->inner;
    }
}
