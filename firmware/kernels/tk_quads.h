// Four sums at a time on cores without DSP instructions: their contract, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_QUADS_H
#define TK_QUADS_H

#include "tk_fixed.h"
#include "tk_taps.h"

#if defined(__ARM_ARCH_6M__) && __ARM_ARCH_6M__
#define TK_ARMV6M 1
#else
#define TK_ARMV6M 0
#endif

#define TK_QUAD 4

// Adds the products of four rows of weights, [4][inputs], with one column of inputs, at least one,
// to four sums.
void tk_quad_sums_s8(const int8_t *weights, const int8_t *column, uint32_t inputs, int32_t *sums);

// Adds the products of a depthwise filter for four channels, whose first inputs are at `values` and
// first weights at `weights`, to four sums. `inside` tells the rest; it has one tap at least.
void tk_tap_sums_s8(const tk_taps *inside, const int8_t *values, const int8_t *weights,
                    int32_t *sums);

// Stores the outputs of four sums below 2^30, the first of which is that of `channel`, of a plain
// layer (see tk_output).
void tk_finish_quad_s8(const int32_t *sums, const tk_output *out, uint32_t channel, int8_t *dst);

#endif
