// The inner product of a convolution: two rows of weights times four columns of inputs, requantized
// and stored, row pair after row pair. Contract and portable twin: tk_tile_s8.c.
//
// While summing:                          While finishing a row:
//     r0   weights, next word                 r0       weights
//     r1   columns, next word                 r1       half of the divisor, and the zero point
//     r2   columns 0, 2: inputs a, b          r2       multiplier
//     r3   columns 1, 3: inputs a, b          r3       shift to the right
//     r4   row 0: sums of columns 0-3         r4-r11   sums
//     -r7                                     r12      for one instruction
//     r8   row 1: sums of columns 0-3         lr       row
//     -r11
//     r12  word of weights, then row 1
//     lr   row 0: weights a, b
//
// Two inputs a, b of a step are 16 multiply-accumulates in 13 instructions: 3 loads, 2 to widen,
// 8 dual multiplies; the floor is those 8 and 2.5 words to load. Four steps a turn and 3
// instructions of loop make 0.86 a multiply-accumulate. A row costs 52 beside it for its 4 outputs.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_requantize.inc"

    .macro step
    ldr     r12, [r0], #4
    ldrd    r2, r3, [r1], #8
    sxtb16  lr, r12
    sxtb16  r12, r12, ror #8
    smlad   r4, lr, r2, r4
    smlad   r5, lr, r3, r5
    smlad   r8, r12, r2, r8
    smlad   r9, r12, r3, r9
    ldrd    r2, r3, [r1], #8
    smlad   r6, lr, r2, r6
    smlad   r7, lr, r3, r7
    smlad   r10, r12, r2, r10
    smlad   r11, r12, r3, r11
    .endm

    .macro finish sum, dst
    requantize \sum, r2, r1, r3
    ldr     r12, [sp, #\dst]
    strb    \sum, [r12, lr]
    .endm

    // r1: the pair's record.
    .macro scale multiplier, shift
    ldr     r2, [r1, #\multiplier]
    ldrsb   r3, [r1, #\shift]
    ldr     r1, [sp, #76]
    mvn     r12, r3
    lsl     r1, r1, #1
    add     r1, r1, #1
    lsl     r1, r1, r12
    rsb     r3, r3, #0
    .endm

    .section .text.tk_tile_s8, "ax", %progbits
    .balign 4
    .global tk_tile_s8
    .type   tk_tile_s8, %function
tk_tile_s8:
    // 0 weights, 4 rows, 8 columns, 12 end, 48 row; above: 56 dst[4], 72 channels, 76 zero
    mov     r12, #0
    push    {r0-r12, lr}
.Lpair:
    ldr     r1, [sp, #4]
    ldrd    r4, r8, [r1]
    mov     r5, r4
    mov     r6, r4
    mov     r7, r4
    mov     r9, r8
    mov     r10, r8
    mov     r11, r8
    ldrd    r1, r2, [sp, #8]
    subs    r2, r2, r1
    tst     r2, #32
    bne     .Lhalf
.Lturn:
    step
    step
.Lhalf:
    step
    step
    ldr     r2, [sp, #12]
    cmp     r1, r2
    bne     .Lturn

    ldr     r1, [sp, #4]
    ldr     lr, [sp, #48]
    scale   8, 16
    finish  r4, 56
    finish  r5, 60
    finish  r6, 64
    finish  r7, 68
    ldr     r12, [sp, #72]
    add     lr, lr, #1
    cmp     lr, r12
    beq     .Ldone
    ldr     r1, [sp, #4]
    add     r12, r1, #20
    str     r12, [sp, #4]
    scale   12, 17
    finish  r8, 56
    finish  r9, 60
    finish  r10, 64
    finish  r11, 68
    ldr     r12, [sp, #72]
    add     lr, lr, #1
    str     lr, [sp, #48]
    cmp     lr, r12
    bne     .Lpair
.Ldone:
    pop     {r0-r12, pc}
    .size   tk_tile_s8, . - tk_tile_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_tile_s8
    .long   tk_tile_s8
    .uleb128 56
#endif
