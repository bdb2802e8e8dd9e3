// The portable twin of tk_planes_s8.S: takes a row of an image apart.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_filter3.h"

#if !TK_DSP
void tk_planes_s8(const int8_t *src, uint32_t step, int16_t *rows, uint32_t plane, uint32_t count)
{
    for (uint32_t x = 0; x < count; x++, src += step) {
        for (uint32_t i = 0; i < TK_LANES; i++) {
            rows[i * (plane / sizeof *rows) + x] = src[i];
        }
    }
}
#endif
