// CAST between int8, int16, int32, float32 and bool, which is an int8 of 0 or 1. Floats lose their
// fraction and saturate, integers lose their upper bits, and whatever is not 0 is true.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"
#include "tk_load.h"
#include "tk_wide.h"

static int32_t integer_of(float value)
{
    if (value >= -0x1p31f && value < 0x1p31f) {
        return (int32_t)value;
    }
    return value < 0.0f ? INT32_MIN : value > 0.0f ? INT32_MAX : 0; // NaN is 0
}

static int32_t clamped(int32_t value, int32_t min, int32_t max)
{
    value = value < min ? min : value;
    return value > max ? max : value;
}

void tk_cast_s8_s16(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        tk_store_s16(to + 2 * i, from[i]);
    }
}

void tk_cast_s8_s32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        tk_store_s32(to + 4 * i, from[i]);
    }
}

void tk_cast_s8_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        tk_store_f32(to + 4 * i, (float)from[i]);
    }
}

void tk_cast_s8_bool(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        to[i] = from[i] != 0;
    }
}

void tk_cast_s16_s8(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        to[i] = (int8_t)tk_load_s16(from + 2 * i);
    }
}

void tk_cast_s16_s32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        tk_store_s32(to + 4 * i, tk_load_s16(from + 2 * i));
    }
}

void tk_cast_s16_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        tk_store_f32(to + 4 * i, (float)tk_load_s16(from + 2 * i));
    }
}

void tk_cast_s16_bool(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        to[i] = tk_load_s16(from + 2 * i) != 0;
    }
}

void tk_cast_s32_s8(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        to[i] = (int8_t)tk_load_s32(from + 4 * i);
    }
}

void tk_cast_s32_s16(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        tk_store_s16(to + 2 * i, (int16_t)tk_load_s32(from + 4 * i));
    }
}

void tk_cast_s32_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_f32(to + i, (float)tk_load_s32(from + i));
    }
}

void tk_cast_s32_bool(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        to[i] = tk_load_s32(from + 4 * i) != 0;
    }
}

void tk_cast_f32_s8(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        to[i] = tk_clamp(integer_of(tk_load_f32(from + 4 * i)), INT8_MIN, INT8_MAX);
    }
}

void tk_cast_f32_s16(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        const int32_t whole = integer_of(tk_load_f32(from + 4 * i));
        tk_store_s16(to + 2 * i, (int16_t)clamped(whole, INT16_MIN, INT16_MAX));
    }
}

void tk_cast_f32_s32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_s32(to + i, integer_of(tk_load_f32(from + i)));
    }
}

void tk_cast_f32_bool(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        const float value = tk_load_f32(from + 4 * i);
        to[i] = value < 0.0f || value > 0.0f || value != value; // NaN, too, is true
    }
}
