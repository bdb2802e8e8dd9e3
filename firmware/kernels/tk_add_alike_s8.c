// ADD of two tensors of one shape.
//
// The scale of the sum's terms is that of the coarser input, halved, so that rescaling this input
// is a shift: only the finer one is multiplied.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_dsp.h"

// x + half, less one if x is negative and `sign` has all bits.
static inline int32_t round_up(int32_t x, int32_t half, int32_t sign)
{
    return x + half + (tk_floor_shift(x, 31) & sign);
}

// 20 instructions a value.
static void add(const tk_add_alike_layer *layer, const int8_t *coarse, const int8_t *fine,
                int8_t *dst)
{
    const int32_t sign = layer->fine_shift > 0 ? -1 : 0;
    const int32_t fine_half = (int32_t)((1u << layer->fine_shift) >> 1);
    const int32_t half = tk_half(layer->shift, layer->zero);
    for (const int8_t *end = dst + layer->count; dst < end; dst++) {
        const int32_t wide = *fine++ * (1 << 21) + layer->fine_offset;
        const int32_t high = tk_high_word(wide, layer->fine_multiplier);
        const int32_t scaled = tk_floor_shift(round_up(high, fine_half, sign), layer->fine_shift);
        const int32_t sum = *coarse++ * (1 << 20) + layer->coarse_offset + 2 * scaled;
        *dst = tk_round_plain(tk_high_word(sum, layer->multiplier), layer->shift, half);
    }
}

void tk_add_alike_s8(const tk_add_alike_layer *layer, const int8_t *coarse, const int8_t *fine,
                     int8_t *dst)
{
    add(layer, coarse, fine, dst);
    if (layer->min > INT8_MIN || layer->max < INT8_MAX) {
        for (uint32_t i = 0; i < layer->count; i++) {
            dst[i] = tk_clamp(dst[i], layer->min, layer->max);
        }
    }
}
