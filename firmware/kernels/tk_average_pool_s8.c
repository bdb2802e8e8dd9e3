// AVERAGE_POOL_2D: the mean of each window and channel, of the taps inside of the image.
//
// With DSP instructions a tap of four channels is 6 instructions: a load, two SXTAB16, which are
// the floor, and 3 of loop, which an unrolled row could spare. A mean is 15, a division among them.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_dsp.h"
#include "tk_pool.h"

typedef struct {
    int32_t count;
    int32_t half; // of count, rounded down
    int32_t min, max;
} divisor;

static inline int8_t mean(const divisor *by, int32_t sum)
{
    const int32_t half = sum > 0 ? by->half : -by->half; // halves away from zero
    return tk_clamp((sum + half) / by->count, by->min, by->max);
}

#if TK_DSP
#define MOST_TAPS 256 // that a sum of 16 bits can take
static inline tk_pool_quad add(tk_pool_quad sums, const int8_t *values)
{
    const uint32_t word = tk_load_word(values);
    sums.of[0] = tk_add_even_bytes(sums.of[0], word);
    sums.of[1] = tk_add_odd_bytes(sums.of[1], word);
    return sums;
}

static inline void store(const divisor *by, tk_pool_quad sums, int8_t *dst)
{
    for (uint32_t channel = 0; channel < TK_POOL_QUAD; channel += 2) {
        *dst++ = mean(by, tk_low(sums.of[0]));
        *dst++ = mean(by, tk_low(sums.of[1]));
        sums.of[0] >>= 16;
        sums.of[1] >>= 16;
    }
}
#else
#define MOST_TAPS INT32_MAX
static inline tk_pool_quad add(tk_pool_quad sums, const int8_t *values)
{
    sums.of[0] += (uint32_t)tk_load_s8(values);
    sums.of[1] += (uint32_t)tk_load_s8(values + 1);
    sums.of[2] += (uint32_t)tk_load_s8(values + 2);
    sums.of[3] += (uint32_t)tk_load_s8(values + 3);
    return sums;
}

static inline void store(const divisor *by, tk_pool_quad sums, int8_t *dst)
{
    for (uint32_t channel = 0; channel < TK_POOL_QUAD; channel++) {
        *dst++ = mean(by, (int32_t)sums.of[channel]);
    }
}
#endif

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_pool_layer *layer = record;
    const tk_pool_taps taps = tk_pool_taps_at(&layer->window, at);
    const int32_t count = taps.rows * taps.columns;
    const divisor by = {count, count / 2, layer->min, layer->max};
    const uint32_t channels = layer->window.channels;
    uint32_t channel = 0;
    if (count <= MOST_TAPS) {
        for (; channel + TK_POOL_QUAD <= channels; channel += TK_POOL_QUAD) {
            const tk_pool_quad none = {{0}};
            store(&by, tk_join_taps(&taps, add, none, channel), at->dst + channel);
        }
    }
    for (; channel < channels; channel++) {
        at->dst[channel] = mean(&by, tk_sum_of_taps(&taps, tk_load_s8, channel));
    }
}

void tk_average_pool_s8(const tk_pool_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_position first = {.src = src, .dst = dst};
    tk_for_positions(&layer->window, answer, layer, layer->window.channels, first);
}
