// Sums over any axes, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_REDUCE_SUM_H
#define TK_REDUCE_SUM_H

#include "tk_load.h"

// `bytes` are those of a value, here and below.
TK_INLINE int32_t tk_sum_of(const tk_grid *grid, tk_load *load, uint32_t bytes, const int8_t *src)
{
    int32_t sum = 0;
    for (uint32_t outer = 0; outer < grid->outer; outer++) {
        const int8_t *value = src;
        for (uint32_t inner = 0; inner < grid->inner; inner++) {
            sum += load(value);
            value += grid->inner_step * bytes;
        }
        src += grid->outer_step * bytes;
    }
    return sum;
}

// The rescaled sum that belongs to the place (outer, inner) of the kept axes.
TK_INLINE int32_t tk_reduced(const tk_reduce_sum_layer *layer, tk_load *load, uint32_t bytes,
                             const int8_t *src, uint32_t outer, uint32_t inner)
{
    const tk_grid *kept = &layer->kept;
    const uint32_t first = outer * kept->outer_step + inner * kept->inner_step;
    const int32_t sum = tk_sum_of(&layer->reduced, load, bytes, src + first * bytes);
    const int32_t scaled = tk_rescale(sum + layer->in_offset, layer->multiplier, layer->shift);
    return scaled + layer->out_zero;
}

#endif
