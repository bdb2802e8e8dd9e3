// Takes a row of an image apart: four channels to four rows of 16 bits. Contract and portable twin:
// tk_planes_s8.c.
//
//     r0  next pixel            r6, r7  channels of two pixels, then b d of each
//     r1  from pixel to pixel   r8, r9  a c of each
//     r2  row of channel a      r12     pixels left
//     r3  row of channel b      lr      both pixels' a
//     r4  row of channel c
//     r5  row of channel d
//
// Two pixels are 8 values in 17 instructions or 20 cycles: 2 loads, 4 to widen, 4 to pair, 4 stores.
// The floor is those 14 or 15; a row costs 20 or 35 beside them.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    .equ    COUNT, 28 // behind the registers that are pushed

    .macro one
    ldr     r6, [r0]
    add     r0, r0, r1
    sxtb16  r8, r6
    sxtb16  r6, r6, ror #8
    strh    r8, [r2], #2
    strh    r6, [r3], #2
    asr     r8, r8, #16
    asr     r6, r6, #16
    strh    r8, [r4], #2
    strh    r6, [r5], #2
    .endm

    .section .text.tk_planes_s8, "ax", %progbits
    .balign 4
    .global tk_planes_s8
    .type   tk_planes_s8, %function
tk_planes_s8:
    push    {r4-r9, lr}
    ldr     r12, [sp, #COUNT]
    add     r4, r2, r3, lsl #1
    add     r5, r4, r3
    add     r3, r3, r2
    tst     r2, #2 // so that pairs are words in their places
    beq     .Lwords
    one
    sub     r12, r12, #1
.Lwords:
    subs    r12, r12, #2
    bmi     .Lend
.Lpair:
    ldr     r6, [r0]
    ldr     r7, [r0, r1]
    add     r0, r0, r1, lsl #1
    sxtb16  r8, r6
    sxtb16  r9, r7
    sxtb16  r6, r6, ror #8
    sxtb16  r7, r7, ror #8
    pkhbt   lr, r8, r9, lsl #16
    pkhtb   r9, r9, r8, asr #16
    pkhbt   r8, r6, r7, lsl #16
    pkhtb   r7, r7, r6, asr #16
    str     lr, [r2], #4
    str     r8, [r3], #4
    str     r9, [r4], #4
    str     r7, [r5], #4
    subs    r12, r12, #2
    bpl     .Lpair
.Lend:
    adds    r12, r12, #2
    beq     .Ldone
    one
.Ldone:
    pop     {r4-r9, pc}
    .size   tk_planes_s8, . - tk_planes_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_planes_s8
    .long   tk_planes_s8
    .uleb128 28
#endif
