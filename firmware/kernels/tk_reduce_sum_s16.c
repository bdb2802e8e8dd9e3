// MEAN and SUM of int16 values over any axes.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_reduce_sum.h"

void tk_reduce_sum_s16(const tk_reduce_sum_layer *layer, const void *src, void *dst)
{
    tk_s16 *out = dst;
    for (uint32_t outer = 0; outer < layer->kept.outer; outer++) {
        for (uint32_t inner = 0; inner < layer->kept.inner; inner++) {
            const int32_t value =
                tk_reduced(layer, tk_load_s16, sizeof(int16_t), src, outer, inner);
            *out++ = tk_limit(value, INT16_MIN, INT16_MAX);
        }
    }
}

void tk_reduce_sum_cube_s16(const tk_reduce_sum_cube_layer *layer, const void *src, void *dst)
{
    const tk_grid *kept = &layer->grid.kept;
    const int8_t *values = src;
    tk_s16 *out = dst;
    for (uint32_t far = 0; far < layer->kept; far++) {
        for (uint32_t outer = 0; outer < kept->outer; outer++) {
            for (uint32_t inner = 0; inner < kept->inner; inner++) {
                const uint32_t first = tk_cube_place(layer, far, outer, inner) * sizeof(int16_t);
                const int32_t value =
                    tk_reduced_cube(layer, tk_load_s16, sizeof(int16_t), values + first);
                *out++ = tk_limit(value, INT16_MIN, INT16_MAX);
            }
        }
    }
}
