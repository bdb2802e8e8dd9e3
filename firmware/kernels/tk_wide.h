// Values of 4 bytes, for kernels only. Their bytes are copied, since the arena is of int8_t.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_WIDE_H
#define TK_WIDE_H

#include "tk_broadcast.h"

#define TK_WIDE_BYTES 4u
#define TK_SIGN_F32   0x80000000u

static inline float tk_load_f32(const int8_t *src)
{
    float value;
    __builtin_memcpy(&value, src, sizeof value);
    return value;
}

static inline void tk_store_f32(int8_t *dst, float value)
{
    __builtin_memcpy(dst, &value, sizeof value);
}

static inline uint32_t tk_bits_of(float value)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &value, sizeof bits);
    return bits;
}

static inline float tk_float_of(uint32_t bits)
{
    float value;
    __builtin_memcpy(&value, &bits, sizeof value);
    return value;
}

static inline int32_t tk_load_s32(const int8_t *src)
{
    int32_t value;
    __builtin_memcpy(&value, src, sizeof value);
    return value;
}

static inline void tk_store_s32(int8_t *dst, int32_t value)
{
    __builtin_memcpy(dst, &value, sizeof value);
}

#endif
