// FULLY_CONNECTED with weights in blocks of four: rows of weights times one column of inputs,
// requantized and stored, row after row. Contract and portable twin: tk_block_rows_s8.c.
//
//     r0   weights, next                     r7   inputs, then b d
//     r1   indices, next                     r8   weights, then b d
//     r2   counts, next                      r9   turns left
//     r3   inputs of the segment             r10  inputs a c, then the multiplier, doubled
//     r4   sum                               r11  2 * zero point + 1
//     r5   bias, next                        r12  weights a c, then the shift to the right, less 1
//     r6   output, next                      lr   end of the turn
//
// A block is 4 multiply-accumulates in 9 instructions: 3 loads, 4 to widen, 2 dual multiplies. Four
// are a turn, entered where as many are left; a segment costs 12 and a turn 2 beside them, a row 21.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_sparse_rows.inc"

    .equ    SEGMENT, 4 * 255

    // 36 bytes
    .macro block
    ldrb    r7, [r1], #1
    ldr     r8, [r0], #4
    ldr.w   r7, [r3, r7, lsl #2]
    sxtb16  r12, r8
    sxtb16  r10, r7
    sxtb16  r8, r8, ror #8
    sxtb16  r7, r7, ror #8
    smlad   r4, r12, r10, r4
    smlad   r4, r8, r7, r4
    .endm

    .section .text.tk_block_rows_s8, "ax", %progbits
    .balign 4
    .global tk_block_rows_s8
    .type   tk_block_rows_s8, %function
tk_block_rows_s8:
    push    {r3-r11, lr}
    ldrd    r5, r6, [sp, #BIAS]
    ldr     r11, [sp, #ZERO]
    adr.w   lr, .Lend
    orr     lr, lr, #1
.Lrow:
    ldr     r4, [r5], #4
.Lsegment:
    ldrb    r9, [r2], #1
    and     r7, r9, #3
    add     r7, r7, r7, lsl #3
    sub     r7, lr, r7, lsl #2
    lsr     r9, r9, #2
    bx      r7
.Lturn:
    .rept   4
    block
    .endr
.Lend:
    subs    r9, r9, #1
    bpl     .Lturn
    next_segment SEGMENT, .Lsegment

    ldrd    r7, r8, [sp, #MULTIPLIER]
    ldr     r9, [sp, #STEP]
    ldr     r10, [r7]
    ldrsb   r12, [r8]
    add     r7, r7, r9, lsl #2
    add     r8, r8, r9
    strd    r7, r8, [sp, #MULTIPLIER]
    lsl     r10, r10, #1
    mvn     r12, r12
    next_row .Lrow
    .size   tk_block_rows_s8, . - tk_block_rows_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_block_rows_s8
    .long   tk_block_rows_s8
    .uleb128 40
#endif
