// Functions of one float32 value that TFLM computes with a single rounding, or none.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_wide.h"

// The square root of a finite value above zero, to the nearest, digit by digit: the same on every
// core, with an FPU or without. A root never lies halfway between two floats.
static float root_of(float value)
{
    int32_t exponent = 0;
    if (value < 0x1p-126f) {
        value *= 0x1p+24f;
        exponent = -12;
    }
    const uint32_t bits = tk_bits_of(value);
    const int32_t power = (int32_t)(bits >> 23) - 127;
    uint32_t rest = (bits & 0x7fffffu) | 0x800000u;
    rest <<= (uint32_t)power & 1u;
    exponent += (power - (power & 1)) / 2;
    uint32_t root = 0;
    uint32_t rounded = 0; // root, with one bit more than a float has
    rest <<= 1;
    for (uint32_t digit = 1u << 24; digit != 0; digit >>= 1) {
        const uint32_t next = root + digit;
        if (next <= rest) {
            root = next + digit;
            rest -= next;
            rounded += digit;
        }
        rest <<= 1;
    }
    rounded += rounded & 1u;
    return tk_float_of(((uint32_t)(exponent + 126) << 23) + (rounded >> 1));
}

static float square_root(float value)
{
    if (value > 0.0f && value < __builtin_inff()) {
        return root_of(value);
    }
    return value < 0.0f ? __builtin_nanf("") : value;
}

// The next whole number downwards; zeros keep their sign.
static float floor_of(float value)
{
    const uint32_t bits = tk_bits_of(value);
    if (!(tk_float_of(bits & ~TK_SIGN_F32) < 0x1p+23f)) {
        return value; // whole, infinite, or no number
    }
    float whole = (float)(int32_t)value;
    if (whole > value) {
        whole -= 1.0f;
    }
    return tk_float_of(tk_bits_of(whole) | (bits & TK_SIGN_F32));
}

static float ceiling_of(float value)
{
    return tk_float_of(tk_bits_of(floor_of(tk_float_of(tk_bits_of(value) ^ TK_SIGN_F32))) ^
                       TK_SIGN_F32);
}

// To the nearest, halves to the even one; small negatives give a zero without a sign, as in TFLM.
static float nearest_to(float value)
{
    const float below = floor_of(value);
    const float rest = value - below;
    if (rest < 0.5f || (rest == 0.5f && (int32_t)below % 2 == 0)) {
        return below;
    }
    return below + 1.0f;
}

void tk_floor_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_f32(to + i, floor_of(tk_load_f32(from + i)));
    }
}

void tk_ceiling_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_f32(to + i, ceiling_of(tk_load_f32(from + i)));
    }
}

void tk_nearest_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_f32(to + i, nearest_to(tk_load_f32(from + i)));
    }
}

void tk_absolute_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_f32(to + i, tk_float_of(tk_bits_of(tk_load_f32(from + i)) & ~TK_SIGN_F32));
    }
}

void tk_negate_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_f32(to + i, tk_float_of(tk_bits_of(tk_load_f32(from + i)) ^ TK_SIGN_F32));
    }
}

void tk_square_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        const float value = tk_load_f32(from + i);
        tk_store_f32(to + i, value * value);
    }
}

void tk_root_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_f32(to + i, square_root(tk_load_f32(from + i)));
    }
}

void tk_reciprocal_root_f32(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        tk_store_f32(to + i, 1.0f / square_root(tk_load_f32(from + i)));
    }
}

void tk_clip_f32(const tk_clip_f32_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        float value = tk_load_f32(from + i);
        value = value > layer->max ? layer->max : value;
        tk_store_f32(to + i, value < layer->min ? layer->min : value);
    }
}

void tk_leaky_f32(const tk_leaky_f32_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < 4 * layer->count; i += 4) {
        const float value = tk_load_f32(from + i);
        tk_store_f32(to + i, value > 0.0f ? value : value * layer->slope);
    }
}
