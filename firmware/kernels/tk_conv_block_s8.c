// CONV_2D with weights in blocks of four: a product for each output position.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_positions.h"

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_conv_block_layer *layer = record;
    const int8_t *inputs =
        tk_gather(&layer->window, layer->pad_value, at->src, at->y, at->x, at->column);
    tk_block_s8(&layer->block, inputs, at->dst);
}

void tk_conv_block_s8(const tk_conv_block_layer *layer, const int8_t *src, int8_t *dst,
                      int8_t *column)
{
    const tk_position first = {.src = src, .dst = dst, .column = column};
    tk_for_positions(&layer->window, answer, layer, layer->block.out.channels, first);
}
