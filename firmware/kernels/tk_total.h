// How ADD_N and CUMSUM end, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TOTAL_H
#define TK_TOTAL_H

#include "tk_fixed.h"

#define TK_TOTAL_FRACTION 19 // of a sum, as in TFLM; beyond int32 it wraps

// The output for a sum of what values lie above the zero point. TFLM starts with minus the zero
// point where it means 0.
static inline int8_t tk_finish_total(const tk_total *total, uint32_t sum)
{
    const int32_t start = -total->in_zero;
    const int32_t raised = (int32_t)((sum + (uint32_t)start) << TK_TOTAL_FRACTION);
    const int32_t scaled = tk_rescale(raised, total->multiplier, total->shift);
    return tk_clamp(scaled + total->out_zero, INT8_MIN, INT8_MAX);
}

#endif
