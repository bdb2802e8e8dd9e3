// ADD and others of two int16 tensors.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_broadcast.h"
#include "tk_load.h"

#define HEADROOM (1 << 15) // of sums, as in TFLM

static int32_t left(const tk_sum_s16_layer *layer, const int8_t *a, int32_t headroom)
{
    return tk_rescale(tk_load_s16(a) * headroom, layer->a_multiplier, layer->a_shift);
}

static int32_t right(const tk_sum_s16_layer *layer, const int8_t *b, int32_t headroom)
{
    return tk_rescale(tk_load_s16(b) * headroom, layer->b_multiplier, layer->b_shift);
}

static int16_t finish(const tk_sum_s16_layer *layer, int32_t sum)
{
    const int32_t scaled = tk_rescale(sum, layer->out_multiplier, layer->out_shift);
    return tk_limit(scaled, layer->min, layer->max);
}

TK_INLINE void add(const void *record, const int8_t *a, const int8_t *b, int8_t *dst)
{
    const tk_sum_s16_layer *layer = record;
    const int32_t sum = left(layer, a, HEADROOM) + right(layer, b, HEADROOM);
    tk_store_s16(dst, finish(layer, sum));
}

TK_INLINE void subtract(const void *record, const int8_t *a, const int8_t *b, int8_t *dst)
{
    const tk_sum_s16_layer *layer = record;
    const int32_t difference = left(layer, a, HEADROOM) - right(layer, b, HEADROOM);
    tk_store_s16(dst, finish(layer, difference));
}

TK_INLINE void squared_difference(const void *record, const int8_t *a, const int8_t *b, int8_t *dst)
{
    const tk_sum_s16_layer *layer = record;
    const int32_t difference = left(layer, a, 1) - right(layer, b, 1);
    tk_store_s16(dst, finish(layer, difference * difference));
}

TK_INLINE void multiply(const void *record, const int8_t *a, const int8_t *b, int8_t *dst)
{
    const tk_product_s16_layer *layer = record;
    const int32_t product = tk_load_s16(a) * tk_load_s16(b);
    const int32_t scaled = tk_rescale(product, layer->out_multiplier, layer->out_shift);
    tk_store_s16(dst, tk_limit(scaled, layer->min, layer->max));
}

TK_INLINE void maximum(const void *record, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)record;
    const int32_t first = tk_load_s16(a), second = tk_load_s16(b);
    tk_store_s16(dst, (int16_t)(first > second ? first : second));
}

TK_INLINE void minimum(const void *record, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)record;
    const int32_t first = tk_load_s16(a), second = tk_load_s16(b);
    tk_store_s16(dst, (int16_t)(first < second ? first : second));
}

void tk_add_s16(const tk_sum_s16_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, add, layer, a, b, dst, sizeof(int16_t));
}

void tk_subtract_s16(const tk_sum_s16_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, subtract, layer, a, b, dst, sizeof(int16_t));
}

void tk_squared_difference_s16(const tk_sum_s16_layer *layer, const void *a, const void *b,
                               void *dst)
{
    tk_for_wide_pairs(&layer->shape, squared_difference, layer, a, b, dst, sizeof(int16_t));
}

void tk_multiply_s16(const tk_product_s16_layer *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(&layer->shape, multiply, layer, a, b, dst, sizeof(int16_t));
}

void tk_maximum_s16(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, maximum, layer, a, b, dst, sizeof(int16_t));
}

void tk_minimum_s16(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, minimum, layer, a, b, dst, sizeof(int16_t));
}
