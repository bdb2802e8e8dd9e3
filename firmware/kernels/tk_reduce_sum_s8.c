// MEAN and SUM over any axes.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

static int32_t sum_of(const tk_grid *grid, const int8_t *src)
{
    int32_t sum = 0;
    for (uint32_t outer = 0; outer < grid->outer; outer++) {
        const int8_t *value = src;
        for (uint32_t inner = 0; inner < grid->inner; inner++) {
            sum += *value;
            value += grid->inner_step;
        }
        src += grid->outer_step;
    }
    return sum;
}

void tk_reduce_sum_s8(const tk_reduce_sum_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_grid *kept = &layer->kept;
    for (uint32_t outer = 0; outer < kept->outer; outer++) {
        for (uint32_t inner = 0; inner < kept->inner; inner++) {
            const int8_t *first = src + outer * kept->outer_step + inner * kept->inner_step;
            const int32_t sum = sum_of(&layer->reduced, first) + layer->in_offset;
            const int32_t scaled = tk_rescale(sum, layer->multiplier, layer->shift);
            *dst++ = tk_clamp(scaled + layer->out_zero, INT8_MIN, INT8_MAX);
        }
    }
}
