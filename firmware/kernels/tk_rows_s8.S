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
// Four inputs a b c d are 16 multiply-accumulates in 20 instructions: 2 loads, 10 to widen, 8 dual
// multiplies. With 2 of loop for 8 inputs that is 1.31 a multiply-accumulate. The floor is 1: with
// one column there is nothing to share the widening of the weights with. An output costs 16 beside
// it, a block 15.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_requantize.inc"

    // tk_rows: its first word comes in r3, the others lie behind the registers that are pushed
    .equ    BIAS, 4
    .equ    MULTIPLIER, 44 // with the shift behind it
    .equ    STEP, 52       // with the outputs behind it
    .equ    LAST, 60       // with the zero point behind it

    .macro pair_of_rows word, inputs, even, odd
    sxtb16  r12, \word
    sxtb16  \word, \word, ror #8
    smlad   \even, r12, \inputs, \even
    smlad   \odd, \word, \inputs, \odd
    .endm

    .macro step
    ldm     r0!, {r8-r11}
    ldr     r2, [r1], #4
    sxtb16  r3, r2, ror #8
    sxtb16  r2, r2
    pair_of_rows r8, r2, r4, r5
    pair_of_rows r9, r2, r6, r7
    pair_of_rows r10, r3, r4, r5
    pair_of_rows r11, r3, r6, r7
    .endm

    .macro finish sum
    ldr     r2, [r8]
    ldrsb   r3, [r9]
    add     r8, r8, r10, lsl #2
    add     r9, r9, r10
    lsl     \sum, \sum, #1
    smmulr  \sum, \sum, r2
    mvn     r2, r3
    lsl     r2, r12, r2
    rsb     r3, r3, #0
    round   \sum, r2, r3
    strb    \sum, [r11], #1
    cmp     r11, r1
    .endm

    .section .text.tk_rows_s8, "ax", %progbits
    .balign 4
    .global tk_rows_s8
    .type   tk_rows_s8, %function
tk_rows_s8:
    push    {r1, r3-r11, lr}
    mov     lr, r2
.Lblock:
    ldr     r12, [sp, #BIAS]
    ldm     r12!, {r4-r7}
    str     r12, [sp, #BIAS]
    ldr     r1, [sp]
    sub     r3, lr, r1
    tst     r3, #4
    bne     .Lhalf
.Lturn:
    step
.Lhalf:
    step
    cmp     r1, lr
    bne     .Lturn

    ldrd    r8, r9, [sp, #MULTIPLIER]
    ldrd    r10, r11, [sp, #STEP]
    ldrd    r1, r12, [sp, #LAST]
    finish  r4
    beq     .Ldone
    finish  r5
    beq     .Ldone
    finish  r6
    beq     .Ldone
    finish  r7
    strd    r8, r9, [sp, #MULTIPLIER]
    str     r11, [sp, #STEP + 4]
    bne     .Lblock
.Ldone:
    pop     {r1, r3-r11, pc}
    .size   tk_rows_s8, . - tk_rows_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_rows_s8
    .long   tk_rows_s8
    .uleb128 44
#endif
