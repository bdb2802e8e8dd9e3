// The inner product of a convolution with sparse weights: a row of weights times eight columns of
// inputs, requantized and stored, row after row. Contract and portable twin: tk_tile_sparse_s8.c.
//
// While summing:                             While finishing a row:
//     r0     stream, next                        r0     stream
//     r1     input in the columns                r1     multiplier, doubled
//     r2     step, then columns 0-3              r2     2 * zero point + 1
//     r3     columns 4-7                         r3     shift to the right, less 1
//     r4-r11 sums of columns 0-7                 r4-r11 sums
//     r12    two columns                         r12    for one instruction
//     lr     weight                              lr     row
//
// A weight is 8 multiply-accumulates in 17.5 instructions: 3 loads, 4 to widen, 8 multiplies, 2 to
// step and half a branch; the floor is those 8 and 3 loads, with columns of twice the size. A row
// costs 79 beside it for its 8 outputs.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_tile_row.inc"

    .equ    ROWS, 4 // with the columns behind it
    .equ    CHANNELS, 12
    .equ    ROW, 48
    // tk_tile_sparse, behind the registers that are pushed
    .equ    DST, 56
    .equ    ZERO, 88

    .macro weight
    ldrb    r2, [r0], #2
    cbz     r2, .Lend
    add     r1, r1, r2, lsl #3
    ldrsb   lr, [r0, #-1]
    ldrd    r2, r3, [r1]
    four_columns r2, r4, r5, r6, r7
    four_columns r3, r8, r9, r10, r11
    .endm

    .section .text.tk_tile_sparse_s8, "ax", %progbits
    .balign 4
    .global tk_tile_sparse_s8
    .type   tk_tile_sparse_s8, %function
tk_tile_sparse_s8:
    sub     r2, r2, #8
    mov     r12, #0
    push    {r0-r12, lr}
.Lrow:
    start_eight
.Lweight:
    weight
    weight
    b       .Lweight
.Lend:
    sub     r0, r0, #1
    finish_eight
    next_row .Lrow
    .size   tk_tile_sparse_s8, . - tk_tile_sparse_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_tile_sparse_s8
    .long   tk_tile_sparse_s8
    .uleb128 56
#endif
