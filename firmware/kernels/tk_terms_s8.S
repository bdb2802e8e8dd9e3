// The sum of two terms, of which only the finer one is multiplied. Contract and portable twin:
// tk_terms_s8.c.
//
//     r0  coarse values, next    r5   fine multiplier    r10  half of the divisor
//     r1  fine values, next      r6   fine half          r11  shift
//     r2  outputs, next          r7   fine shift         r12  fine value, then sum
//     r3  end of the outputs     r8   coarse offset      lr   coarse value
//     r4  fine offset            r9   multiplier
//
// A value is 17 instructions or 20 cycles: 2 loads, 11 to scale, add and round, 1 store, 2 of loop;
// 14 or 17 where the finer term's scale needs no shift. The floor is all but the loop.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_requantize.inc"

    .macro add_term
    add     lr, r8, lr, lsl #20
    add     r12, lr, r12, lsl #1
    smmulr  r12, r12, r9
    round   r12, r10, r11
    strb    r12, [r2], #1
    cmp     r2, r3
    .endm

    .macro fine_term
    ldrsb   r12, [r1], #1
    ldrsb   lr, [r0], #1
    add     r12, r4, r12, lsl #21
    smmulr  r12, r12, r5
    .endm

    .section .text.tk_terms_s8, "ax", %progbits
    .balign 4
    .global tk_terms_s8
    .type   tk_terms_s8, %function
tk_terms_s8:
    push    {r4-r11, lr}
    ldr     r12, [sp, #36]
    ldm     r12, {r4-r11}
    cbz     r7, .Lplain
.Lshifted:
    fine_term
    sub     r12, r12, r12, lsr #31
    add     r12, r12, r6
    asr     r12, r12, r7
    add_term
    bne     .Lshifted
    pop     {r4-r11, pc}
.Lplain:
    fine_term
    add_term
    bne     .Lplain
    pop     {r4-r11, pc}
    .size   tk_terms_s8, . - tk_terms_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_terms_s8
    .long   tk_terms_s8
    .uleb128 36
#endif
