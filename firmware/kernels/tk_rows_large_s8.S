// tk_rows_s8 for layers whose sums are too large for it: the odd rows' weights are widened too, which
// takes 1.31 instructions a multiply-accumulate. Portable twin: tk_rows_large_s8.c.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    .macro odd_row word
    sxtb16  \word, \word, ror #8
    .endm

    .macro part odd, even
    .endm

#include "tk_rows.inc"
    rows    tk_rows_large_s8
#endif
