// ADD and others of two float32 tensors. What comparisons with NaN choose is as in TFLM.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_quotient.h"

static float clipped(const tk_pair_f32_layer *layer, float value)
{
    value = value < layer->min ? layer->min : value;
    return layer->max < value ? layer->max : value;
}

TK_INLINE void add(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_store_f32(dst, clipped(layer, tk_load_f32(a) + tk_load_f32(b)));
}

TK_INLINE void subtract(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_store_f32(dst, clipped(layer, tk_load_f32(a) - tk_load_f32(b)));
}

TK_INLINE void multiply(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_store_f32(dst, clipped(layer, tk_load_f32(a) * tk_load_f32(b)));
}

TK_INLINE void divide(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_store_f32(dst, clipped(layer, tk_quotient_f32(tk_load_f32(a), tk_load_f32(b))));
}

TK_INLINE void squared_difference(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    const float difference = tk_load_f32(a) - tk_load_f32(b);
    tk_store_f32(dst, difference * difference);
}

TK_INLINE void maximum(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    const float left = tk_load_f32(a), right = tk_load_f32(b);
    tk_store_f32(dst, left > right ? left : right);
}

TK_INLINE void minimum(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    const float left = tk_load_f32(a), right = tk_load_f32(b);
    tk_store_f32(dst, left < right ? left : right);
}

TK_INLINE void prelu(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    const float value = tk_load_f32(a);
    tk_store_f32(dst, value >= 0.0f ? value : value * tk_load_f32(b));
}

void tk_add_f32(const tk_pair_f32_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, add, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_subtract_f32(const tk_pair_f32_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, subtract, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_multiply_f32(const tk_pair_f32_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, multiply, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_divide_f32(const tk_pair_f32_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, divide, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_squared_difference_f32(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, squared_difference, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_maximum_f32(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, maximum, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_minimum_f32(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, minimum, layer, a, b, dst, TK_WIDE_BYTES);
}

void tk_prelu_f32(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, prelu, layer, a, b, dst, TK_WIDE_BYTES);
}
