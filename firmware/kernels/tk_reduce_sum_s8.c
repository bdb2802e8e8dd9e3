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

void tk_reduce_sum_cube_s8(const tk_reduce_sum_cube_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_grid *kept = &layer->grid.kept;
    for (uint32_t far = 0; far < layer->kept; far++) {
        for (uint32_t outer = 0; outer < kept->outer; outer++) {
            for (uint32_t inner = 0; inner < kept->inner; inner++) {
                const int8_t *first = src + tk_cube_place(layer, far, outer, inner);
                const int32_t value = tk_reduced_cube(layer, tk_load_s8, 1, first);
                *dst++ = tk_clamp(value, INT8_MIN, INT8_MAX);
            }
        }
    }
}
