// Bringing two inputs of different scales to one, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_SUM_H
#define TK_SUM_H

#include "tk_broadcast.h"
#include "tk_fixed.h"

// `bits` of headroom keep what the rescaling would round away.
static inline int32_t tk_left(const tk_sum_layer *layer, int32_t value, uint32_t bits)
{
    return tk_rescale((value - layer->a_zero) * (1 << bits), layer->a_multiplier, layer->a_shift);
}

static inline int32_t tk_right(const tk_sum_layer *layer, int32_t value, uint32_t bits)
{
    return tk_rescale((value - layer->b_zero) * (1 << bits), layer->b_multiplier, layer->b_shift);
}

static inline int8_t tk_finish_sum(const tk_sum_layer *layer, int32_t sum)
{
    const int32_t scaled = tk_rescale(sum, layer->out_multiplier, layer->out_shift);
    return tk_clamp(scaled + layer->out_zero, layer->min, layer->max);
}

#endif
