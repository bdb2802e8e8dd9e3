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

// The same with the outermost of the reduced loops, from the first value on.
TK_INLINE int32_t tk_reduced_cube(const tk_reduce_sum_cube_layer *layer, tk_load *load,
                                  uint32_t bytes, const int8_t *src)
{
    const tk_reduce_sum_layer *grid = &layer->grid;
    int32_t sum = grid->in_offset;
    for (uint32_t i = 0; i < layer->reduced; i++) {
        sum += tk_sum_of(&grid->reduced, load, bytes, src + i * layer->reduced_step * bytes);
    }
    return tk_rescale(sum, grid->multiplier, grid->shift) + grid->out_zero;
}

// Where the values of the next output begin: (far, outer, inner) are the places of the kept axes.
TK_INLINE uint32_t tk_cube_place(const tk_reduce_sum_cube_layer *layer, uint32_t far,
                                 uint32_t outer, uint32_t inner)
{
    const tk_grid *kept = &layer->grid.kept;
    return far * layer->kept_step + outer * kept->outer_step + inner * kept->inner_step;
}

#endif
