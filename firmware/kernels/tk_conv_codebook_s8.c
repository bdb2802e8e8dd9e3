// CONV_2D with weights of at most 16 values: a product for each output position.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_positions.h"

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_conv_codebook_layer *layer = record;
    const int8_t *inputs =
        tk_gather(&layer->window, layer->pad_value, at->src, at->y, at->x, at->column);
    tk_codebook_s8(&layer->codebook, inputs, at->dst);
}

void tk_conv_codebook_s8(const tk_conv_codebook_layer *layer, const int8_t *src, int8_t *dst,
                         int8_t *column)
{
    const tk_position first = {.src = src, .dst = dst, .column = column};
    tk_for_positions(&layer->window, answer, layer, layer->codebook.out.channels, first);
}
