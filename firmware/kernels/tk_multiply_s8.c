// MUL of two tensors, for scales that are too far apart for tk_multiply_plain_s8.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_broadcast.h"
#include "tk_fixed.h"

TK_INLINE int8_t answer(const void *record, int32_t a, int32_t b)
{
    const tk_product_layer *layer = record;
    const int32_t product = (a - layer->a_zero) * (b - layer->b_zero);
    const int32_t scaled = tk_rescale(product, layer->out_multiplier, layer->out_shift);
    return tk_clamp(scaled + layer->out_zero, layer->min, layer->max);
}

void tk_multiply_s8(const tk_product_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_for_pairs(&layer->shape, answer, layer, a, b, dst);
}
