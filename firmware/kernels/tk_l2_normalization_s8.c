// L2_NORMALIZATION: rows, each divided by its length.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

#define OUTPUT_BITS      7          // outputs are steps of 1/128
#define HALF_OF_ROOT_TWO 1518500250 // in Q0.31

// 1 / sqrt(value) as a multiplier, and its shift, for values below 2^31: five Newton-Raphson steps
// from 1 in Q3.28, tflite::GetInvSqrtQuantizedMultiplierExp.
static int32_t inverse_root(uint32_t value, int32_t *shift)
{
    *shift = 0;
    if (value <= 1) {
        return INT32_MAX;
    }
    int32_t right = 11;
    if (value >= 1u << 29) {
        value /= 4;
        right++;
    }
    const uint32_t pairs = ((uint32_t)__builtin_clz(value) - 1) / 2 - 1;
    const int32_t half = tk_round_shift((int32_t)((value << 2 * pairs) / 2), 1);
    int32_t x = 1 << 28;
    for (int step = 0; step < 5; step++) {
        const int32_t square = tk_high_multiply(x, x);
        const int32_t cube = tk_shift_saturated(tk_high_multiply(square, x), 6);
        const int32_t three_halves = tk_high_multiply((1 << 28) + (1 << 27), x);
        x = tk_shift_saturated(three_halves - tk_high_multiply(half, cube), 3);
    }
    const int32_t multiplier = tk_high_multiply(x, HALF_OF_ROOT_TWO);
    right -= (int32_t)pairs;
    if (right < 0) {
        return multiplier * (1 << -right);
    }
    *shift = -right;
    return multiplier;
}

static void normalize_row(const tk_l2_normalization_layer *layer, const int8_t *src, int8_t *dst)
{
    uint32_t sum = 0;
    for (uint32_t i = 0; i < layer->length; i++) {
        const int32_t value = src[i] - layer->in_zero;
        sum += (uint32_t)(value * value);
    }
    int32_t shift;
    const int32_t multiplier = inverse_root(sum, &shift);
    for (uint32_t i = 0; i < layer->length; i++) {
        const int32_t value = src[i] - layer->in_zero;
        dst[i] = tk_clamp(tk_rescale(value, multiplier, shift + OUTPUT_BITS), INT8_MIN, INT8_MAX);
    }
}

void tk_l2_normalization_s8(const tk_l2_normalization_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t row = 0; row < layer->rows; row++) {
        normalize_row(layer, src, dst);
        src += layer->length;
        dst += layer->length;
    }
}
