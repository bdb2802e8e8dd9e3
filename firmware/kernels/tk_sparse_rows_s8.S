// FULLY_CONNECTED with sparse weights: rows of weights times one column of inputs, requantized and
// stored, row after row. Contract and portable twin: tk_sparse_rows_s8.c.
//
//     r0   weights, next                     r7   input, and for one instruction
//     r1   indices, next                     r8   weight, and for one instruction
//     r2   counts, next                      r9   turns left
//     r3   inputs of the segment             r10  multiplier, doubled
//     r4   sum                               r11  2 * zero point + 1
//     r5   bias, next                        r12  shift to the right, less 1
//     r6   output, next                      lr   end of the turn
//
// A weight is 4 instructions, 3 of them loads: the floor, as each input is anywhere. Sixteen are a
// turn, entered where as many are left; a segment costs 11 and a turn 2 beside them, a row 13 and
// where it has a scale of its own 6 more.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_sparse_rows.inc"

    .equ    SEGMENT, 255

    .section .text.tk_sparse_rows_s8, "ax", %progbits
    .balign 4
    .global tk_sparse_rows_s8
    .type   tk_sparse_rows_s8, %function
tk_sparse_rows_s8:
    push    {r3-r11, lr}
    ldrd    r5, r6, [sp, #BIAS]
    ldrd    r7, r8, [sp, #MULTIPLIER]
    ldr     r10, [r7]
    ldrsb   r12, [r8]
    lsl     r10, r10, #1
    mvn     r12, r12
    ldr     r11, [sp, #ZERO]
    adr.w   lr, .Lend
    orr     lr, lr, #1
.Lrow:
    ldr     r4, [r5], #4
.Lsegment:
    ldrb    r9, [r2], #1
    and     r7, r9, #15
    sub     r7, lr, r7, lsl #4
    lsr     r9, r9, #4
    bx      r7
.Lturn:
    .rept   16
    product r7, r8, r4
    .endr
.Lend:
    subs    r9, r9, #1
    bpl     .Lturn
    next_segment SEGMENT, .Lsegment

    ldr     r7, [sp, #STEP]
    cbz     r7, .Lscaled
    ldrd    r7, r8, [sp, #MULTIPLIER]
    ldr     r10, [r7], #4
    ldrsb   r12, [r8], #1
    strd    r7, r8, [sp, #MULTIPLIER]
    lsl     r10, r10, #1
    mvn     r12, r12
.Lscaled:
    next_row .Lrow
    .size   tk_sparse_rows_s8, . - tk_sparse_rows_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_sparse_rows_s8
    .long   tk_sparse_rows_s8
    .uleb128 40
#endif
