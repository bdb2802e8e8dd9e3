// MEAN and SUM over any axes.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_reduce_sum.h"

void tk_reduce_sum_s8(const tk_reduce_sum_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t outer = 0; outer < layer->kept.outer; outer++) {
        for (uint32_t inner = 0; inner < layer->kept.inner; inner++) {
            const int32_t value = tk_reduced(layer, tk_load_s8, 1, src, outer, inner);
            *dst++ = tk_clamp(value, INT8_MIN, INT8_MAX);
        }
    }
}
