// The inner product of a convolution: two rows of weights times four columns of inputs, requantized
// and stored, row pair after row pair. Contract and portable twin: tk_tile_s8.c.
//
// While summing:                          While finishing a pair of rows:
//     r0   weights, next word                 r0      weights
//     r1   columns, next word                 r1      record, then that of the next pair
//     r2   columns 0, 2: inputs a, b          r2      multiplier, then shift, then odd row
//     r3   columns 1, 3: inputs a, b          r3      the odd row's, then channels
//     r4   even row: sums of columns 0-3      r4-r11  sums, then outputs
//     -r7                                     r12     2 * zero point + 1, then a place
//     r8   odd row: sums of columns 0-3       lr      even row
//     -r11
//     r12  word of weights, the odd row's
//     lr   even row: weights a, b
//
// A half of a word is exactly 256 times the odd row's weight and the even row's, so that the word as
// it is sums up 256 times the odd row's sum and the even row's, and the difference gives it back. It
// holds in 32 bits that wrap around if the odd row's sum is below 2^23: codegen/packed.py.
//
// Two inputs a, b of a step are 16 multiply-accumulates in 12 instructions or 16 cycles: 3 loads, 1
// to widen, 8 dual multiplies. The floor is 15 cycles, 9 and 5 words in one run of loads, which
// would take two more registers. A turn of the loop takes 32 inputs, and 3 instructions or 6 cycles
// beside them: 0.76 instructions and 1.02 cycles a multiply-accumulate. A pair of rows costs 84 or
// 97 beside it for its 8 outputs, 48 of them to part and requantize.
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

#include "tk_tile.inc"
    tile    tk_tile_s8
#endif
