// Rounding floats, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_NEAREST_H
#define TK_NEAREST_H

#include <stdint.h>

// The nearest integer, halves away from zero, of a value that is limited to `most` on both sides:
// far out only its sign matters, and the conversion must stay defined.
static inline int32_t tk_nearest(float value, float most)
{
    value = value > most ? most : value;
    value = value > -most ? value : -most;
    const int32_t whole = (int32_t)value;
    const float rest = value - (float)whole; // exact: both are within one of each other
    return whole + (rest >= 0.5f) - (rest <= -0.5f);
}

#endif
