// ADD of two tensors of one shape.
//
// The scale of the sum's terms is that of the coarser input, halved, so that rescaling this input
// is a shift: only the finer one is multiplied.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_terms.h"

void tk_add_alike_s8(const tk_add_alike_layer *layer, const int8_t *coarse, const int8_t *fine,
                     int8_t *dst)
{
    const tk_terms terms = {
        .fine_offset = layer->fine_offset,
        .fine_multiplier = layer->fine_multiplier,
        .fine_half = (int32_t)((1u << layer->fine_shift) >> 1),
        .fine_shift = layer->fine_shift,
        .coarse_offset = layer->coarse_offset,
        .multiplier = layer->multiplier,
        .half = tk_half(layer->shift, layer->zero),
        .shift = layer->shift,
    };
    tk_terms_s8(coarse, fine, dst, dst + layer->count, &terms);
    tk_clip_outputs(dst, dst + layer->count, layer->min, layer->max);
}
