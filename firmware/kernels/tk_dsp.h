// Pairs of 16 bits in a word, as the DSP extension of Armv7E-M and Armv8-M works on them, for
// kernels only. Every function has a portable twin, so that the same kernels run on the host.
//
// A word of four int8 a b c d, from the lowest byte on, widens to the pairs (a, c) and (b, d).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_DSP_H
#define TK_DSP_H

#include "tk_fixed.h"

#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
#define TK_DSP 1
#else
#define TK_DSP 0
#endif

static inline uint32_t tk_load_word(const void *src)
{
    uint32_t word;
    __builtin_memcpy(&word, src, sizeof word);
    return word;
}

static inline int32_t tk_low(uint32_t pair) { return (int16_t)(pair & 0xffffu); }

static inline int32_t tk_high(uint32_t pair) { return (int16_t)(pair >> 16); }

static inline uint32_t tk_pair(int32_t low, int32_t high)
{
    return ((uint32_t)low & 0xffffu) | ((uint32_t)high << 16);
}

// Bytes 0 and 2: SXTB16.
static inline uint32_t tk_even_bytes(uint32_t word)
{
#if TK_DSP
    return (uint32_t)__builtin_arm_sxtb16((int32_t)word);
#else
    return tk_pair((int8_t)(word & 0xffu), (int8_t)((word >> 16) & 0xffu));
#endif
}

// Bytes 1 and 3: SXTB16 with a rotation.
static inline uint32_t tk_odd_bytes(uint32_t word)
{
    return tk_even_bytes((word >> 8) | (word << 24));
}

// sum + a.low * b.low + a.high * b.high: SMLAD.
static inline int32_t tk_dot(uint32_t a, uint32_t b, int32_t sum)
{
#if TK_DSP
    return __builtin_arm_smlad((int32_t)a, (int32_t)b, sum);
#else
    return sum + tk_low(a) * tk_low(b) + tk_high(a) * tk_high(b);
#endif
}

#endif
