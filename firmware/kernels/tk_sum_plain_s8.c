// ADD and SUB of two tensors, either repeated over the other, whose sum is rescaled by a shift of 1
// to 22 bits to the right.
//
// As in tk_add_alike_s8.c the scale of the terms is that of the coarser input, halved, so that only
// the finer one is multiplied.
//
// A value is 30 instructions on Cortex-M4, 9 of which fetch what has no register. The floor is 14,
// as of tk_terms_s8.S, which takes ADD of one shape; signs and steps of repeated tensors are 6
// more.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_broadcast.h"
#include "tk_fixed.h"

typedef struct {
    int32_t fine_offset, fine_multiplier;
    int32_t fine_half; // of the divisor
    uint32_t fine_shift;
    int32_t coarse_offset, fine_sign, twice_sign;
    int32_t multiplier;
    int32_t half; // tk_half of the shift and the output's zero point
    uint32_t shift;
} terms;

TK_INLINE int8_t answer(const void *record, int32_t coarse, int32_t fine)
{
    const terms *t = record;
    int32_t scaled = tk_high_word(fine * (1 << 21) + t->fine_offset, t->fine_multiplier);
    if (t->fine_shift > 0) {
        const int32_t up = scaled + t->fine_half + tk_floor_shift(scaled, 31);
        scaled = tk_floor_shift(up, t->fine_shift);
    }
    const int32_t term = coarse * (1 << 19) + t->coarse_offset + t->fine_sign * scaled;
    return tk_round_plain(tk_high_word(term * t->twice_sign, t->multiplier), t->shift, t->half);
}

void tk_sum_plain_s8(const tk_sum_plain_layer *layer, const int8_t *coarse, const int8_t *fine,
                     int8_t *dst)
{
    const terms t = {
        .fine_offset = -layer->fine_zero * (1 << 21),
        .fine_multiplier = layer->fine_multiplier,
        .fine_half = (int32_t)((1u << layer->fine_shift) >> 1),
        .fine_shift = layer->fine_shift,
        .coarse_offset = -layer->coarse_zero * (1 << 19),
        .fine_sign = layer->fine_sign,
        .twice_sign = 2 * layer->sign,
        .multiplier = layer->multiplier,
        .half = tk_half(layer->shift, layer->zero),
        .shift = layer->shift,
    };
    int8_t *const end = tk_for_pairs(&layer->shape, answer, &t, coarse, fine, dst);
    tk_clip_outputs(dst, end, layer->min, layer->max);
}
