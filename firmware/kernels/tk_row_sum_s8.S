// The sum of one row of weights, none of them laid out for it. Contract and portable twin:
// tk_row_sum_s8.c.
//
//     r0  weights, next          r4  weights, then b d
//     r1  inputs, next           r5  inputs, then b d
//     r2  products left, less 4  r6  weights a c
//     r3  sum                    r12 inputs a c
//
// Four products are 10 instructions: 2 loads, 4 to widen, 2 dual multiplies, 2 of loop. Each of the
// last three is 5, a row 8.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    .section .text.tk_row_sum_s8, "ax", %progbits
    .balign 4
    .global tk_row_sum_s8
    .type   tk_row_sum_s8, %function
tk_row_sum_s8:
    push    {r4-r6, lr}
    subs    r2, r2, #4
    blo     .Lrest
.Lturn:
    ldr     r4, [r0], #4
    ldr     r5, [r1], #4
    sxtb16  r6, r4
    sxtb16  r12, r5
    smlad   r3, r6, r12, r3
    sxtb16  r4, r4, ror #8
    sxtb16  r5, r5, ror #8
    smlad   r3, r4, r5, r3
    subs    r2, r2, #4
    bhs     .Lturn
.Lrest:
    adds    r2, r2, #4
    beq     .Ldone
.Lproduct:
    ldrsb   r4, [r0], #1
    ldrsb   r5, [r1], #1
    smlabb  r3, r4, r5, r3
    subs    r2, r2, #1
    bne     .Lproduct
.Ldone:
    mov     r0, r3
    pop     {r4-r6, pc}
    .size   tk_row_sum_s8, . - tk_row_sum_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_row_sum_s8
    .long   tk_row_sum_s8
    .uleb128 16
#endif
