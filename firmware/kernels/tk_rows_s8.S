// FULLY_CONNECTED: four rows of weights times one column of inputs, requantized and stored, block
// after block. Contract and portable twin: tk_rows_s8.c.
//
// While summing:                                    While finishing a block:
//     r0      weights, next word                        r0      weights
//     r1      column, next byte                         r1      end of the outputs
//     r2, r3  inputs a c, inputs b d                    r2, r3  multiplier, then half; shift
//     r4-r7   sums of rows 0-3                          r4-r7   sums
//     r8-r11  words of weights: rows 0 1 and 2 3 of     r8, r9  next multiplier, next shift
//             inputs a c, then of b d; then the odd     r10     1, or 0 if one scale is for all
//             row                                       r11     next output
//     r12     the even row                              r12     2 * zero point + 1
//     lr      end of the column                         lr      end of the column
//
// A word of weights is the odd row's as it is, see tk_tile_s8.S. Four inputs a b c d are 16
// multiply-accumulates in 16 instructions: 2 loads, 6 to widen, 8 dual multiplies. With 2 of loop for
// 8 inputs that is 1.06 a multiply-accumulate. The floor is 0.94, with loads of eight inputs: with
// one column there is nothing to share the widening of the weights with. An output costs 17 beside
// it, a block 15.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    .macro odd_row word
    .endm

    .macro part odd, even
    sub     \odd, \odd, \even
    asr     \odd, \odd, #8
    .endm

#include "tk_rows.inc"
    rows    tk_rows_s8
#endif
