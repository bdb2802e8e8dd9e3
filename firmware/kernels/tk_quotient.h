// One float divided by another, to the nearest as IEEE 754 has it, for kernels only: in integers,
// since compilers' own division for cores without an FPU flushes subnormal quotients to zero.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_QUOTIENT_H
#define TK_QUOTIENT_H

#include "tk_wide.h"

#define TK_INFINITE_F32 0x7f800000u

typedef struct {
    uint32_t digits; // 24 bits, the first of them 1
    int32_t power;   // of two that the first digit is
} tk_parts_f32;

// Take a finite size above zero apart.
static inline tk_parts_f32 tk_parts_of(uint32_t size)
{
    tk_parts_f32 parts = {size & 0x7fffffu, (int32_t)(size >> 23) - 127};
    if (size >= 0x800000u) {
        parts.digits |= 0x800000u;
    } else {
        parts.power++;
        while (parts.digits < 0x800000u) {
            parts.digits <<= 1;
            parts.power--;
        }
    }
    return parts;
}

// Put 25 digits and a power of two together to the nearest float; rest: digits follow.
static inline uint32_t tk_rounded_f32(uint32_t digits, int32_t power, uint32_t rest)
{
    if (power > 127) {
        return TK_INFINITE_F32;
    }
    uint32_t exponent = (uint32_t)(power + 126);
    if (power < -126) {
        const uint32_t lost = power < -157 ? 31 : (uint32_t)(-126 - power);
        rest |= digits & ((1u << lost) - 1u);
        digits >>= lost;
        exponent = 0;
    }
    const uint32_t half = digits & 1u;
    digits >>= 1;
    digits += half & ((rest != 0) | (digits & 1u));
    return (exponent << 23) + digits; // the first digit, or a carry, adds to the exponent
}

static inline float tk_quotient_f32(float a, float b)
{
    const uint32_t a_size = tk_bits_of(a) & ~TK_SIGN_F32, b_size = tk_bits_of(b) & ~TK_SIGN_F32;
    if (a_size - 1u >= TK_INFINITE_F32 - 1u || b_size - 1u >= TK_INFINITE_F32 - 1u) {
        return a / b; // of zeros, infinities and NaN
    }
    tk_parts_f32 rest = tk_parts_of(a_size);
    const tk_parts_f32 by = tk_parts_of(b_size);
    rest.power -= by.power;
    if (rest.digits < by.digits) {
        rest.digits <<= 1;
        rest.power--;
    }
    uint32_t digits = 0;
    for (int i = 0; i < 25; i++) {
        digits <<= 1;
        if (rest.digits >= by.digits) {
            rest.digits -= by.digits;
            digits |= 1u;
        }
        rest.digits <<= 1;
    }
    const uint32_t sign = (tk_bits_of(a) ^ tk_bits_of(b)) & TK_SIGN_F32;
    return tk_float_of(sign | tk_rounded_f32(digits, rest.power, rest.digits));
}

#endif
