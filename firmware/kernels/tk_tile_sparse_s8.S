// The inner product of a convolution with sparse weights: a row of weights times four columns of
// inputs, requantized and stored, row after row. Contract and portable twin: tk_tile_sparse_s8.c.
//
// While summing:                             While finishing a row:
//     r0     weights, next                       r2   multiplier
//     r1     indices, next                       r3   shift to the right
//     r2     end of the segment's indices        r4-r7  sums of columns 0-3
//     r3     columns of the segment              r8   half of the divisor, and the zero point
//     r4-r7  sums of columns 0-3                 r9-r11 for one instruction
//     r8     weight                              lr   row
//     r9     inputs, then those of columns 1, 3
//     r10    inputs of columns 0, 2
//     r11    segments left
//     r12    counts, next
//     lr     row
//
// A weight is 4 multiply-accumulates in 11 instructions: 3 loads, 2 to widen, 4 multiplies and 2 of
// loop. A row costs 60 beside it for its 4 outputs.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_requantize.inc"

    // tk_tile_sparse, behind the registers that are pushed
    .equ    DST, 40
    .equ    CHANNELS, 56
    .equ    ZERO, 60
    .equ    SEGMENTS, 64
    .equ    STEP, 68
    .equ    BIAS, 72
    .equ    MULTIPLIER, 76 // with the shift behind it
    .equ    SEGMENT_BYTES, 4 * 255

    .macro finish sum, dst
    requantize \sum, r2, r8, r3
    ldr     r10, [sp, #\dst]
    strb    \sum, [r10, lr]
    .endm

    .section .text.tk_tile_sparse_s8, "ax", %progbits
    .balign 4
    .global tk_tile_sparse_s8
    .type   tk_tile_sparse_s8, %function
tk_tile_sparse_s8:
    push    {r3-r11, lr}
    mov     r12, r2
    mov     lr, #0
.Lrow:
    ldr     r8, [sp, #BIAS]
    ldr     r4, [r8], #4
    str     r8, [sp, #BIAS]
    mov     r5, r4
    mov     r6, r4
    mov     r7, r4
    ldr     r3, [sp]
    ldr     r11, [sp, #SEGMENTS]
.Lsegment:
    ldrb    r2, [r12], #1
    adds    r2, r2, r1
    cmp     r1, r2
    beq     .Lempty
.Lweight:
    ldrb    r9, [r1], #1
    ldrsb   r8, [r0], #1
    ldr     r9, [r3, r9, lsl #2]
    sxtb16  r10, r9
    sxtb16  r9, r9, ror #8
    smlabb  r4, r10, r8, r4
    smlatb  r6, r10, r8, r6
    smlabb  r5, r9, r8, r5
    smlatb  r7, r9, r8, r7
    cmp     r1, r2
    bne     .Lweight
.Lempty:
    add     r3, r3, #SEGMENT_BYTES
    subs    r11, r11, #1
    bne     .Lsegment

    ldrd    r8, r9, [sp, #MULTIPLIER]
    ldr     r11, [sp, #STEP]
    ldr     r2, [r8]
    ldrsb   r3, [r9]
    add     r8, r8, r11, lsl #2
    add     r9, r9, r11
    strd    r8, r9, [sp, #MULTIPLIER]
    ldr     r8, [sp, #ZERO]
    mvn     r9, r3
    lsl     r8, r8, r9
    rsb     r3, r3, #0
    finish  r4, DST
    finish  r5, DST + 4
    finish  r6, DST + 8
    finish  r7, DST + 12
    add     lr, lr, #1
    ldr     r10, [sp, #CHANNELS]
    cmp     lr, r10
    bne     .Lrow
    pop     {r3-r11, pc}
    .size   tk_tile_sparse_s8, . - tk_tile_sparse_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_tile_sparse_s8
    .long   tk_tile_sparse_s8
    .uleb128 40
#endif
