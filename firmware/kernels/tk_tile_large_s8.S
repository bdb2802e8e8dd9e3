// tk_tile_s8 for layers whose sums are too large for it: the odd row's weights are widened too, which
// takes one instruction more for 16 multiply-accumulates. Portable twin: tk_tile_large_s8.c.
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

#include "tk_tile.inc"
    tile    tk_tile_large_s8
#endif
