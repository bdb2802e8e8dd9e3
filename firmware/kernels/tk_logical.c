// LOGICAL_AND, LOGICAL_OR and LOGICAL_NOT of bytes that are 0 or 1.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_broadcast.h"

TK_INLINE void both(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    *dst = (int8_t)(*a & *b);
}

TK_INLINE void either(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst)
{
    (void)layer;
    *dst = (int8_t)(*a | *b);
}

void tk_logical_and(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, both, layer, a, b, dst, 1);
}

void tk_logical_or(const tk_broadcast *layer, const void *a, const void *b, void *dst)
{
    tk_for_wide_pairs(layer, either, layer, a, b, dst, 1);
}

void tk_logical_not(const tk_values_layer *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        to[i] = from[i] == 0;
    }
}
