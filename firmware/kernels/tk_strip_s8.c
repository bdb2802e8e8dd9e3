// The portable twin of tk_strip_s8.S: copies rows of a window, which may stick out of the image.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_strip.h"

#if !TK_DSP
static int8_t *fill(int8_t *bytes, int8_t value, uint32_t count)
{
    for (; count > 0; count--) {
        *bytes++ = value;
    }
    return bytes;
}

void tk_strip_s8(int8_t *bytes, int8_t outside, uint32_t rows, const tk_strip *strip)
{
    const int8_t *row = strip->row;
    for (; rows > 0; rows--, row += strip->step) {
        bytes = fill(bytes, outside, strip->left);
        for (uint32_t i = 0; i < strip->inside; i++) {
            *bytes++ = row[i];
        }
        bytes = fill(bytes, outside, strip->right);
    }
}
#endif
