// Resetting the states of a model.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

void tk_fill(void *dst, uint32_t bytes, uint8_t value)
{
    uint8_t *to = dst;
    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = value;
    }
}

void tk_copy_bytes(void *dst, const void *src, uint32_t bytes)
{
    uint8_t *to = dst;
    const uint8_t *from = src;
    for (uint32_t i = 0; i < bytes; i++) {
        to[i] = from[i];
    }
}
