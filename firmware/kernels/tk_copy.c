// Rearranges elements: slices, transposes, joins, pads. An odometer walks all axes but the last.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

static uint32_t place(const tk_copy_layer *layer, uint32_t index, uint32_t count)
{
    return layer->backward ? count - 1 - index : index;
}

// A null pointer is outside, and so is every place further in.
static const int8_t *source(const tk_axis *axis, const int8_t *src, uint32_t index)
{
    if (src == 0 || axis->index == 0) {
        return src == 0 ? 0 : src + (int32_t)index * axis->src_step;
    }
    const uint16_t from = axis->index[index];
    return from == TK_OUTSIDE ? 0 : src + from * axis->src_step;
}

static void copy_run(const tk_copy_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t i = 0; i < layer->run; i++) {
        const uint32_t at = place(layer, i, layer->run);
        dst[at] = src == 0 ? layer->fill : src[at];
    }
}

static void copy_row(const tk_copy_layer *layer, const uint32_t *turned, const int8_t *src,
                     int8_t *dst)
{
    const tk_axis *axis = layer->axis;
    for (uint32_t i = 0; i + 1 < layer->axes; i++, axis++) {
        const uint32_t index = place(layer, turned[i], axis->count);
        src = source(axis, src, index);
        dst += (int32_t)index * axis->dst_step;
    }
    for (uint32_t i = 0; i < axis->count; i++) {
        const uint32_t index = place(layer, i, axis->count);
        copy_run(layer, source(axis, src, index), dst + (int32_t)index * axis->dst_step);
    }
}

// Returns 0 when every axis has come around.
static uint32_t turn(const tk_copy_layer *layer, uint32_t *turned)
{
    for (uint32_t i = layer->axes - 1u; i-- > 0;) {
        if (++turned[i] < layer->axis[i].count) {
            return 1;
        }
        turned[i] = 0;
    }
    return 0;
}

void tk_copy(const tk_copy_layer *layer, const void *src, void *dst)
{
    uint32_t turned[TK_COPY_AXES] = {0};
    const int8_t *from = src;
    int8_t *to = dst;
    do {
        copy_row(layer, turned, from + layer->src_start, to + layer->dst_start);
    } while (turn(layer, turned));
}
