// GATHER_ND at positions that are known at run time only.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

// The position may come from outside of the board: it must never lead out of the input.
static uint32_t place(const tk_take_nd_layer *layer, const int8_t *position)
{
    uint32_t found = 0;
    for (uint32_t axis = 0; axis < layer->axes; axis++) {
        uint32_t number;
        __builtin_memcpy(&number, position + 4 * axis, sizeof number);
        found += number * layer->step[axis];
    }
    if ((int32_t)found < 0) {
        return 0;
    }
    return found < layer->places ? found : layer->places - 1;
}

void tk_take_nd(const tk_take_nd_layer *layer, const void *src, const void *positions, void *dst)
{
    const int8_t *from = src;
    const int8_t *which = positions;
    int8_t *to = dst;
    for (uint32_t i = 0; i < layer->taken; i++) {
        __builtin_memcpy(to, from + place(layer, which) * layer->run, layer->run);
        which += 4 * layer->axes;
        to += layer->run;
    }
}
