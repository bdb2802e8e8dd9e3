// ARG_MAX and ARG_MIN: the first place of the greatest or least value.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

static int32_t place_of(const tk_place_layer *layer, const int8_t *src)
{
    int32_t place = 0;
    int32_t best = *src ^ layer->flip;
    for (uint32_t i = 1; i < layer->count; i++) {
        src += layer->inner;
        const int32_t flipped = *src ^ layer->flip;
        if (flipped > best) {
            best = flipped;
            place = (int32_t)i;
        }
    }
    return place;
}

void tk_place_s8(const tk_place_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t outer = 0; outer < layer->outer; outer++) {
        for (uint32_t inner = 0; inner < layer->inner; inner++) {
            const int32_t place = place_of(layer, src + inner);
            __builtin_memcpy(dst, &place, sizeof place);
            dst += sizeof place;
        }
        src += layer->count * layer->inner;
    }
}
