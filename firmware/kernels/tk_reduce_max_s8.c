// REDUCE_MAX and REDUCE_MIN over any axes.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

static int8_t greatest(const tk_grid *grid, const int8_t *src, int8_t flip)
{
    int8_t best = INT8_MIN;
    for (uint32_t outer = 0; outer < grid->outer; outer++) {
        const int8_t *value = src;
        for (uint32_t inner = 0; inner < grid->inner; inner++) {
            const int8_t flipped = (int8_t)(*value ^ flip);
            best = flipped > best ? flipped : best;
            value += grid->inner_step;
        }
        src += grid->outer_step;
    }
    return (int8_t)(best ^ flip);
}

static int8_t greatest_of_cube(const tk_reduce_max_cube_layer *layer, const int8_t *src)
{
    const int8_t flip = layer->grid.flip;
    int8_t best = INT8_MIN;
    for (uint32_t i = 0; i < layer->reduced; i++) {
        const int8_t found = greatest(&layer->grid.reduced, src + i * layer->reduced_step, flip);
        const int8_t flipped = (int8_t)(found ^ flip);
        best = flipped > best ? flipped : best;
    }
    return (int8_t)(best ^ flip);
}

void tk_reduce_max_s8(const tk_reduce_max_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_grid *kept = &layer->kept;
    for (uint32_t outer = 0; outer < kept->outer; outer++) {
        for (uint32_t inner = 0; inner < kept->inner; inner++) {
            const int8_t *first = src + outer * kept->outer_step + inner * kept->inner_step;
            *dst++ = greatest(&layer->reduced, first, layer->flip);
        }
    }
}

void tk_reduce_max_cube_s8(const tk_reduce_max_cube_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_grid *kept = &layer->grid.kept;
    for (uint32_t far = 0; far < layer->kept; far++) {
        const int8_t *row = src + far * layer->kept_step;
        for (uint32_t outer = 0; outer < kept->outer; outer++) {
            for (uint32_t inner = 0; inner < kept->inner; inner++) {
                const uint32_t first = outer * kept->outer_step + inner * kept->inner_step;
                *dst++ = greatest_of_cube(layer, row + first);
            }
        }
    }
}
