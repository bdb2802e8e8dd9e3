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

static inline void tk_store_word(void *dst, uint32_t word)
{
    __builtin_memcpy(dst, &word, sizeof word);
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

// Adds bytes 0 and 2 of a word to a pair: SXTAB16.
static inline uint32_t tk_add_even_bytes(uint32_t pair, uint32_t word)
{
#if TK_DSP
    return (uint32_t)__builtin_arm_sxtab16((int32_t)pair, (int32_t)word);
#else
    const uint32_t bytes = tk_even_bytes(word);
    return tk_pair(tk_low(pair) + tk_low(bytes), tk_high(pair) + tk_high(bytes));
#endif
}

// Bytes 1 and 3: SXTAB16 with a rotation.
static inline uint32_t tk_add_odd_bytes(uint32_t pair, uint32_t word)
{
    return tk_add_even_bytes(pair, (word >> 8) | (word << 24));
}

// The greater of each two bytes: SSUB8 and SEL.
static inline uint32_t tk_greater_bytes(uint32_t a, uint32_t b)
{
    uint32_t greater = 0;
#if TK_DSP
    __asm__("ssub8 %0, %1, %2\n\tsel %0, %1, %2" : "=&r"(greater) : "r"(a), "r"(b) : "cc");
#else
    for (uint32_t at = 0; at < 32; at += 8) {
        const uint32_t one = (a >> at) & 0xffu, other = (b >> at) & 0xffu;
        greater |= ((int8_t)one > (int8_t)other ? one : other) << at;
    }
#endif
    return greater;
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

// The same in 32 bits that wrap around, as SMLAD does.
static inline int32_t tk_dot_around(uint32_t a, uint32_t b, int32_t sum)
{
    return (int32_t)((uint32_t)sum + (uint32_t)tk_dot(a, b, 0));
}

// The odd row's sum from 256 times itself plus the even row's, if it is below 2^23.
static inline int32_t tk_part(int32_t joined, int32_t even)
{
    return tk_floor_shift((int32_t)((uint32_t)joined - (uint32_t)even), 8);
}

#endif
