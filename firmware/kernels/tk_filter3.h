// The contract of a 3x3 filter over the rows of a channel, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_FILTER3_H
#define TK_FILTER3_H

#include "tk_dsp.h"

// Passed by value, so that the assembly finds it on the stack. Steps of rows are in bytes.
typedef struct {
    int8_t *dst;
    uint32_t step;      // from one output to the next, rows follow on each other
    const int16_t *end; // of the top row: the last output's first input, and a stride more
    int32_t bias, multiplier;
    int32_t half;      // tk_half of the shift and the output's zero point
    uint32_t shift;    // to the right
    uint32_t stride;   // 1 or 2
    uint32_t rows;     // of outputs
    int32_t next_row;  // from where a row of inputs was read to, to the next one's start
    uint32_t row_step; // from the start of a row to that of the next one's
} tk_filter3;

// Computes rows of outputs, clipped to int8. `taps` are the pairs 0 1 and 1 2 of each row; rows of
// inputs lie at multiples of 4 bytes, and are read as if the number of outputs were even.
void tk_filter3_s8(const uint32_t *taps, const int16_t *top, const int16_t *centre,
                   const int16_t *bottom, tk_filter3 filter);

#endif
