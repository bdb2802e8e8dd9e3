// RELU and LEAKY_RELU of int16 values.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_s16.h"

void tk_leaky_relu_s16(const tk_leaky_relu_s16_layer *layer, const void *src, void *dst)
{
    const tk_s16 *in = src;
    tk_s16 *out = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        const int32_t value =
            in[i] < 0 ? layer->sign * tk_rescale(in[i], layer->slope_multiplier, layer->slope_shift)
                      : tk_rescale(in[i], layer->multiplier, layer->shift);
        out[i] = tk_limit(value, INT16_MIN, INT16_MAX);
    }
}
