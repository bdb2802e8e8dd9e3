// Values of different types seen alike, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_LOAD_H
#define TK_LOAD_H

#include "tk_inline.h"
#include "tk_s16.h"

typedef int32_t tk_load(const int8_t *value);

static inline int32_t tk_load_s8(const int8_t *value) { return *value; }

static inline int32_t tk_load_s16(const int8_t *value)
{
    return *(const tk_s16 *)(const void *)value;
}

static inline void tk_store_s16(int8_t *dst, int16_t value) { *(tk_s16 *)(void *)dst = value; }

#endif
