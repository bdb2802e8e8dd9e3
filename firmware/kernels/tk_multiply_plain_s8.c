// MUL of two tensors whose product is rescaled by a shift of 1 to 22 bits to the right.
//
// A value is 19 instructions on Cortex-M4: 2 loads and their steps, 9 from factors to output, 1
// store, 4 of loop, 1 for want of a register. The floor is 11: loads, SUB, ADD of one doubled, MUL,
// SMMULR, two to round, ASR, SSAT and the store.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_broadcast.h"
#include "tk_fixed.h"

typedef struct {
    int32_t a_less, b_less_twice; // the zero points
    int32_t multiplier;
    int32_t half; // tk_half of the shift and the output's zero point
    uint32_t shift;
} factors;

TK_INLINE int8_t answer(const void *record, int32_t a, int32_t b)
{
    const factors *by = record;
    const int32_t twice = (a - by->a_less) * (2 * b - by->b_less_twice);
    return tk_round_plain(tk_high_word(twice, by->multiplier), by->shift, by->half);
}

void tk_multiply_plain_s8(const tk_product_layer *layer, const int8_t *a, const int8_t *b,
                          int8_t *dst)
{
    const uint32_t shift = (uint32_t)-layer->out_shift;
    const factors by = {
        .a_less = layer->a_zero,
        .b_less_twice = 2 * layer->b_zero,
        .multiplier = layer->out_multiplier,
        .half = tk_half(shift, layer->out_zero),
        .shift = shift,
    };
    int8_t *const end = tk_for_pairs(&layer->shape, answer, &by, a, b, dst);
    tk_clip_outputs(dst, end, layer->min, layer->max);
}
