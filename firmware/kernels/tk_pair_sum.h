// The contract of the inner product of FULLY_CONNECTED with weights of at most 16 values, for
// kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_PAIR_SUM_H
#define TK_PAIR_SUM_H

#include "tk_dsp.h"

#define TK_PAIRS (TK_CODEBOOK_VALUES * TK_CODEBOOK_VALUES)

// Returns the sum of a row's products.
//
//     codes    as in tk_codebook_layer, at least one word, to `end`
//     pairs    [TK_PAIRS]: two weights for each byte of codes, that of its low bits in the low half
//     inputs   of 16 bits, two in a word
int32_t tk_pair_sum_s8(const uint32_t *codes, const uint32_t *end, const uint32_t *pairs,
                       const uint32_t *inputs);

#endif
