// CONV_2D of int16 values with sparse weights: a product for each output position.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_positions.h"

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_conv_sparse_s16_layer *layer = record;
    const int8_t *inputs = tk_gather(&layer->window, 0, at->src, at->y, at->x, at->column);
    tk_sparse_s16(&layer->sparse, inputs, at->dst);
}

void tk_conv_sparse_s16(const tk_conv_sparse_s16_layer *layer, const void *src, void *dst,
                        void *column)
{
    const tk_position first = {.src = src, .dst = dst, .column = column};
    const uint32_t bytes = layer->sparse.out.channels * (uint32_t)sizeof(int16_t);
    tk_for_positions(&layer->window, answer, layer, bytes, first);
}
