// The contract of the sum of two terms, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TERMS_H
#define TK_TERMS_H

#include "tk_dsp.h"

typedef struct {
    int32_t fine_offset, fine_multiplier;
    int32_t fine_half; // of the divisor
    uint32_t fine_shift;
    int32_t coarse_offset, multiplier;
    int32_t half; // tk_half of the shift and the output's zero point
    uint32_t shift;
} tk_terms;

// Computes outputs up to `end`, at least one, clipped to int8; see tk_add_alike_layer. `dst` may be
// `coarse` or `fine`.
void tk_terms_s8(const int8_t *coarse, const int8_t *fine, int8_t *dst, const int8_t *end,
                 const tk_terms *terms);

#endif
