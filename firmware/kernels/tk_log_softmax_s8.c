// LOG_SOFTMAX over rows of classes: each value less the logarithm of the sum of exponentials.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_softmax.h"

#define ROOT_HALF      1518500250 // 2^-1/2 in Q0.31
#define ROOT_ROOT_HALF 1805811301 // 2^-1/4
#define LOG_2          1488522236 // ln 2
#define QUARTER        (1 << 23)  // 1/4 in Q6.25
#define DROPPED_BITS   22         // from Q5.26 to steps of 1/16

// ln(x) - ln(2^-1/4) in Q6.25 for x near 2^-1/4 in Q0.31: a quotient of polynomials with the
// constants of tflite::log_x_for_x_greater_than_or_equal_to_1.
static int32_t log_near(int32_t x)
{
    const int32_t mean = (int32_t)(((uint32_t)x + ROOT_ROOT_HALF + 1u) / 2u);
    const int32_t twice = 2 * (x - ROOT_ROOT_HALF);
    const int32_t square = tk_high_multiply(twice, twice);
    const int32_t numerator =
        tk_high_multiply(twice, x) + tk_high_multiply(tk_high_multiply(twice, square), 117049297);
    const int32_t inner = 1057819769 + twice + tk_high_multiply(127690142, square);
    const int32_t below = tk_high_multiply(mean, inner) + tk_high_multiply(638450708, twice);
    return tk_high_multiply(tk_round_shift(numerator, 6), tk_reciprocal_of_one_plus(below));
}

// ln(x) in Q5.26 for x >= 1 in Q12.19. A power of two, with or without a half, brings x near
// 2^-1/4; the one that leaves less is taken.
static int32_t logarithm(int32_t x)
{
    const uint32_t zeros_a = (uint32_t)__builtin_clz((uint32_t)x);
    const int32_t scaled = tk_high_multiply((int32_t)((uint32_t)x << (zeros_a - 1)), ROOT_HALF);
    const int32_t near_a = tk_shift_saturated(scaled, 1);
    const int32_t smaller = tk_high_multiply(x, ROOT_HALF);
    const uint32_t zeros_b = (uint32_t)__builtin_clz((uint32_t)smaller) - 1;
    const int32_t near_b = tk_shift_saturated(x, zeros_b);
    const int32_t power_a = (12 - (int32_t)zeros_a) * (1 << 25) + QUARTER;
    const int32_t power_b = (12 - (int32_t)zeros_b) * (1 << 25) - QUARTER;
    const int32_t power = power_a > power_b ? power_a : power_b;
    const int32_t rest = log_near(near_a < near_b ? near_a : near_b);
    return tk_shift_saturated(tk_high_multiply(power, LOG_2) + rest, 1);
}

static void log_softmax_row(const tk_log_softmax_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_softmax_layer *softmax = &layer->softmax;
    const int32_t best = tk_greatest(src, softmax->classes);
    const int32_t log_of_sum = logarithm(tk_sum_of_exponentials(softmax, src, best));
    // further down an int32 in Q5.26 does not reach
    const int32_t least =
        tk_rescale(log_of_sum + INT32_MIN, layer->back_multiplier, layer->back_shift);
    for (uint32_t i = 0; i < softmax->classes; i++) {
        const int32_t below = best - src[i];
        int32_t answer = INT8_MIN;
        if (below < softmax->entries && -below > least) {
            answer = tk_rescale(-below, layer->multiplier, layer->shift) - log_of_sum;
            answer = tk_round_shift(answer, DROPPED_BITS) + INT8_MAX;
        }
        dst[i] = tk_clamp(answer, INT8_MIN, INT8_MAX);
    }
}

void tk_log_softmax_s8(const tk_log_softmax_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t row = 0; row < layer->softmax.rows; row++) {
        log_softmax_row(layer, src, dst);
        src += layer->softmax.classes;
        dst += layer->softmax.classes;
    }
}
