// ADD and others of two int32 tensors, as in index arithmetic; they wrap.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_wide.h"

static int32_t clipped(const tk_pair_s32_layer *layer, uint32_t value)
{
    int32_t result = (int32_t)value;
    result = result < layer->min ? layer->min : result;
    return result > layer->max ? layer->max : result;
}

static uint32_t bits(const int8_t *src) { return (uint32_t)tk_load_s32(src); }

TK_INLINE void add(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_store_s32(dst, clipped(layer, bits(a) + bits(b)));
}

TK_INLINE void subtract(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_store_s32(dst, clipped(layer, bits(a) - bits(b)));
}

TK_INLINE void multiply(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_store_s32(dst, clipped(layer, bits(a) * bits(b)));
}

// The quotients that C leaves undefined are 0 by 0, and wrapped for INT32_MIN by -1.
static uint32_t quotient(int32_t a, int32_t b)
{
    if (b == 0 || b == -1) {
        return b == 0 ? 0u : 0u - (uint32_t)a;
    }
    return (uint32_t)(a / b);
}

TK_INLINE void divide(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_store_s32(dst, clipped(layer, quotient(tk_load_s32(a), tk_load_s32(b))));
}

TK_INLINE void squared_difference(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    const uint32_t difference = bits(a) - bits(b);
    tk_store_s32(dst, (int32_t)(difference * difference));
}

TK_INLINE void maximum(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    const int32_t left = tk_load_s32(a), right = tk_load_s32(b);
    tk_store_s32(dst, left > right ? left : right);
}

TK_INLINE void minimum(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    const int32_t left = tk_load_s32(a), right = tk_load_s32(b);
    tk_store_s32(dst, left < right ? left : right);
}

void tk_add_s32(const tk_pair_s32_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, add, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_subtract_s32(const tk_pair_s32_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, subtract, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_multiply_s32(const tk_pair_s32_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, multiply, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_divide_s32(const tk_pair_s32_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, divide, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_squared_difference_s32(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, squared_difference, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_maximum_s32(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, maximum, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_minimum_s32(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, minimum, layer, a, b, dst, TK_WIDE_BYTES);
}
