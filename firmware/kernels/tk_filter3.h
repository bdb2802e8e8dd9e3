// The contract of 3x3 filters over rows of 16 bits, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_FILTER3_H
#define TK_FILTER3_H

#include "tk_dsp.h"

#define TK_LANES 4 // channels that are taken apart at a time

// A channel's filter. Weights and bias are doubled, so that the high word of a sum times the
// multiplier is tk_high_multiply's.
typedef struct {
    uint32_t taps[6]; // the pairs 0 1 and 1 2 of each row
    int32_t bias, multiplier;
    int32_t half;   // tk_half of the shift and the output's zero point
    uint32_t shift; // to the right
} tk_filter3;

// Rows of outputs; distances between inputs are in bytes.
typedef struct {
    int8_t *dst;
    uint32_t step;  // from one output to the next, rows follow on each other
    uint32_t reach; // from a row's first input to behind the last output's first one, in strides
    uint32_t rows;
    int32_t next_row;  // from where a row of inputs was read to, to the next one's start
    uint32_t row_step; // from the start of a row to that of the next one's
    uint32_t stride;   // 1 or 2
} tk_filter3_rows;

// Computes rows of outputs, clipped to int8. Rows of inputs lie at multiples of 4 bytes, and are
// read as if the number of outputs were even.
void tk_filter3_s8(const tk_filter3 *filter, const int16_t *top, const int16_t *centre,
                   const int16_t *bottom, const tk_filter3_rows *rows);

// Takes a row of pixels apart: channel i goes to `rows` + i planes. `step` and `plane` are bytes.
void tk_planes_s8(const int8_t *src, uint32_t step, int16_t *rows, uint32_t plane, uint32_t count);

#endif
