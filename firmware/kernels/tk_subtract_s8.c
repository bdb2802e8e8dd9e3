// SUB of two tensors, for scales that are too far apart for tk_sum_plain_s8.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_sum.h"

#define HEADROOM 20 // as in TFLM

TK_INLINE int8_t answer(const void *record, int32_t a, int32_t b)
{
    const tk_sum_layer *layer = record;
    return tk_finish_sum(layer, tk_left(layer, a, HEADROOM) - tk_right(layer, b, HEADROOM));
}

void tk_subtract_s8(const tk_sum_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_for_pairs(&layer->shape, answer, layer, a, b, dst);
}
