// PRELU: values below zero are multiplied by a slope, which is a tensor too.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_broadcast.h"
#include "tk_fixed.h"

TK_INLINE int8_t answer(const void *record, int32_t a, int32_t b)
{
    const tk_prelu_layer *layer = record;
    int32_t value = a - layer->a_zero;
    if (value >= 0) {
        value = tk_rescale(value, layer->out_multiplier, layer->out_shift);
    } else {
        value *= b - layer->b_zero;
        value = tk_rescale(value, layer->slope_multiplier, layer->slope_shift);
    }
    return tk_clamp(value + layer->out_zero, layer->min, layer->max);
}

void tk_prelu_s8(const tk_prelu_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_for_pairs(&layer->shape, answer, layer, a, b, dst);
}
