// ADD of two tensors, the second repeated over the first.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

#define LEFT_SHIFT 20 // headroom for the rescaled inputs, as in TFLM

static int32_t raised(int8_t value, int8_t zero, int32_t multiplier, int32_t shift)
{
    return tk_rescale((value - zero) * (1 << LEFT_SHIFT), multiplier, shift);
}

void tk_add_s8(const tk_add_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    uint32_t place = 0;
    for (uint32_t i = 0; i < layer->count; i++) {
        const int32_t sum = raised(a[i], layer->a_zero, layer->a_multiplier, layer->a_shift) +
                            raised(b[place], layer->b_zero, layer->b_multiplier, layer->b_shift);
        const int32_t scaled = tk_rescale(sum, layer->out_multiplier, layer->out_shift);
        dst[i] = tk_clamp(scaled + layer->out_zero, layer->min, layer->max);
        place = place + 1 < layer->period ? place + 1 : 0;
    }
}
