// CONV_2D of int16 values in groups: at each output position a product for each group of channels.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_groups.h"
#include "tk_positions.h"

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_conv_grouped_s16_layer *layer = record;
    const tk_span rows = tk_rows(&layer->window, at->y);
    const tk_span columns = tk_columns(&layer->window, at->x);
    tk_dense_s16_layer part = layer->dense;
    part.out.channels = (uint16_t)(part.out.channels / layer->groups);
    const uint32_t outputs = part.out.channels;
    const uint32_t group_bytes = layer->window.channels / layer->groups;
    for (uint32_t group = 0; group < layer->groups; group++) {
        tk_gather_group(&layer->window, layer->groups, 0, at->src + group * group_bytes, &rows,
                        &columns, at->column);
        tk_dense_s16(&part, at->column, at->dst + group * outputs * sizeof(int16_t));
        part.weights += outputs * part.inputs;
        part.bias += outputs;
        if (part.out.scales > 1) {
            part.out.multiplier += outputs;
            part.out.shift += outputs;
        }
    }
}

void tk_conv_grouped_s16(const tk_conv_grouped_s16_layer *layer, const void *src, void *dst,
                         void *column)
{
    const tk_position first = {.src = src, .dst = dst, .column = column};
    const uint32_t bytes = layer->dense.out.channels * (uint32_t)sizeof(int16_t);
    tk_for_positions(&layer->window, answer, layer, bytes, first);
}
