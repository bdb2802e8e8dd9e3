// MAX_POOL_2D: the greatest value of each window and channel.
//
// With DSP instructions a tap of four channels is 7 instructions: a load, SSUB8 and SEL, which are
// the floor, one move and 3 of loop, which an unrolled row could spare.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_dsp.h"
#include "tk_pool.h"

#if TK_DSP
static inline tk_pool_quad all(int8_t value)
{
    const tk_pool_quad quad = {{(uint8_t)value * 0x01010101u}};
    return quad;
}

static inline tk_pool_quad greater(tk_pool_quad best, const int8_t *values)
{
    best.of[0] = tk_greater_bytes(best.of[0], tk_load_word(values));
    return best;
}

static inline void store(const tk_pool_layer *layer, tk_pool_quad best, int8_t *dst)
{
    // the lesser of two is the greater of their complements
    tk_store_word(dst, ~tk_greater_bytes(~best.of[0], ~all(layer->max).of[0]));
}
#else
static inline tk_pool_quad all(int8_t value)
{
    const uint32_t wide = (uint32_t)value;
    const tk_pool_quad quad = {{wide, wide, wide, wide}};
    return quad;
}

static inline uint32_t greatest(uint32_t best, const int8_t *value)
{
    return (uint32_t)(*value > (int32_t)best ? *value : (int32_t)best);
}

static inline tk_pool_quad greater(tk_pool_quad best, const int8_t *values)
{
    best.of[0] = greatest(best.of[0], values);
    best.of[1] = greatest(best.of[1], values + 1);
    best.of[2] = greatest(best.of[2], values + 2);
    best.of[3] = greatest(best.of[3], values + 3);
    return best;
}

static inline void store(const tk_pool_layer *layer, tk_pool_quad best, int8_t *dst)
{
    for (uint32_t channel = 0; channel < TK_POOL_QUAD; channel++) {
        dst[channel] = tk_clamp((int32_t)best.of[channel], INT8_MIN, layer->max);
    }
}
#endif

TK_INLINE void answer(const void *record, const tk_position *at)
{
    const tk_pool_layer *layer = record;
    const tk_pool_taps taps = tk_pool_taps_at(&layer->window, at);
    const tk_pool_quad least = all(layer->min);
    const uint32_t channels = layer->window.channels;
    uint32_t channel = 0;
    for (; channel + TK_POOL_QUAD <= channels; channel += TK_POOL_QUAD) {
        store(layer, tk_join_taps(&taps, greater, least, channel), at->dst + channel);
    }
    for (; channel < channels; channel++) {
        const int32_t best = tk_greatest_tap(&taps, tk_load_s8, layer->min, channel);
        at->dst[channel] = tk_clamp(best, INT8_MIN, layer->max);
    }
}

void tk_max_pool_s8(const tk_pool_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_position first = {.src = src, .dst = dst};
    tk_for_positions(&layer->window, answer, layer, layer->window.channels, first);
}
