// GATHER at positions that are known at run time only.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

// The position may come from outside of the board: it must never lead out of the input.
static uint32_t position(const int8_t *positions, uint32_t index, uint32_t places)
{
    int32_t found;
    __builtin_memcpy(&found, positions + 4 * index, sizeof found);
    if (found < 0) {
        return 0;
    }
    return (uint32_t)found < places ? (uint32_t)found : places - 1;
}

void tk_take(const tk_take_layer *layer, const void *src, const void *positions, void *dst)
{
    const int8_t *from = src;
    const int8_t *which = positions;
    int8_t *to = dst;
    for (uint32_t row = 0; row < layer->batches * layer->outer; row++) {
        const uint32_t first = row / layer->outer * layer->taken;
        for (uint32_t i = 0; i < layer->taken; i++) {
            const uint32_t at = position(which, first + i, layer->places);
            __builtin_memcpy(to, from + at * layer->run, layer->run);
            to += layer->run;
        }
        from += layer->places * layer->run;
    }
}
