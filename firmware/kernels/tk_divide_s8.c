// DIV of two tensors, by the reciprocal of a divisor between 1 and 2. By zero it is zero.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_broadcast.h"
#include "tk_fixed.h"
#include "tk_softmax.h"

static uint32_t bits_of(int32_t value)
{
    uint32_t bits = 0;
    while (value >> bits != 0) {
        bits++;
    }
    return bits;
}

// left / right without the zero points, right > 0; the shift was proved to lie in 0 .. 31.
static int32_t quotient(const tk_product_layer *layer, int32_t left, int32_t right)
{
    const uint32_t headroom = 31 - bits_of(left < 0 ? -(left + 1) : left);
    const uint32_t bits = bits_of(right);
    const int32_t above_one = (int32_t)(((uint32_t)right << (32 - bits)) - (1u << 31));
    const int32_t raised = (int32_t)((uint32_t)left << headroom);
    const int32_t unscaled = tk_high_multiply(raised, tk_reciprocal_of_one_plus(above_one));
    const uint32_t shift = (uint32_t)((int32_t)(headroom + bits - 1) - layer->out_shift);
    return tk_round_shift(tk_high_multiply(unscaled, layer->out_multiplier), shift);
}

static int8_t answer(const void *record, int32_t a, int32_t b)
{
    const tk_product_layer *layer = record;
    const int32_t left = a - layer->a_zero, right = b - layer->b_zero;
    int32_t value = 0;
    if (right != 0) {
        value = right < 0 ? quotient(layer, -left, -right) : quotient(layer, left, right);
    }
    return tk_clamp(value + layer->out_zero, layer->min, layer->max);
}

void tk_divide_s8(const tk_product_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_for_pairs(&layer->shape, answer, layer, a, b, dst);
}
