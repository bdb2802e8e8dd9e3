// From a sum to an int8 output, for kernels in assembly: tk_finish_plain of tk_fixed.h in six
// instructions. Both roundings of tk_rescale, the zero point added before the shift.
//
// SPDX-License-Identifier: Apache-2.0
    .macro round sum, half, shift
    sub     \sum, \sum, \sum, lsr #31
    add     \sum, \sum, \half
    asr     \sum, \sum, \shift
    ssat    \sum, #8, \sum
    .endm

    .macro requantize sum, multiplier, half, shift
    lsl     \sum, \sum, #1
    smmulr  \sum, \sum, \multiplier
    round   \sum, \half, \shift
    .endm
