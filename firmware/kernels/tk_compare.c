// EQUAL, LESS and the other comparisons: each value stands in one of four relations to the other.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"
#include "tk_wide.h"

#define HEADROOM 256 // as in TFLM

static int8_t answer(const tk_compare_layer *layer, uint32_t relation)
{
    return (layer->truth & relation) != 0;
}

static uint32_t relation_s32(int32_t a, int32_t b)
{
    if (a == b) {
        return TK_EQUAL;
    }
    return a < b ? TK_LESS : TK_GREATER;
}

static uint32_t relation_f32(float a, float b)
{
    if (a < b) {
        return TK_LESS;
    }
    if (a > b) {
        return TK_GREATER;
    }
    return a == b ? TK_EQUAL : TK_UNORDERED;
}

TK_INLINE void compare_s8(const void *record, const int8_t *a, const int8_t *b, int8_t *dst)
{
    const tk_compare_s8_layer *layer = record;
    const int32_t left = (*a - layer->a_zero) * HEADROOM, right = (*b - layer->b_zero) * HEADROOM;
    *dst = answer(&layer->compare,
                  relation_s32(tk_rescale(left, layer->a_multiplier, layer->a_shift),
                               tk_rescale(right, layer->b_multiplier, layer->b_shift)));
}

TK_INLINE void compare_s32(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    *dst = answer(layer, relation_s32(tk_load_s32(a), tk_load_s32(b)));
}

TK_INLINE void compare_f32(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    *dst = answer(layer, relation_f32(tk_load_f32(a), tk_load_f32(b)));
}

void tk_compare_s8(const tk_compare_s8_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->compare.shape, compare_s8, layer, a, b, dst, 1);
}

void tk_compare_s32(const tk_compare_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, compare_s32, layer, a, b, dst, 1);
}

void tk_compare_f32(const tk_compare_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, compare_f32, layer, a, b, dst, 1);
}
