// The contract of copying rows of a window, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_STRIP_H
#define TK_STRIP_H

#include "tk_dsp.h"

// Rows that have `inside` bytes in the image, between those that lie outside.
typedef struct {
    const int8_t *row; // its first byte in the image
    uint32_t step;     // from one row to the next
    uint32_t left, inside, right;
} tk_strip;

// Copies rows, at least one, without gaps; bytes outside of the image get the value `outside`.
void tk_strip_s8(int8_t *bytes, int8_t outside, uint32_t rows, const tk_strip *strip);

#endif
