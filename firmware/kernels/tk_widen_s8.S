// Widens runs of inputs to the columns of a tile: four columns at a time, four inputs of each.
// Contract and portable twin: tk_widen_s8.c.
//
//     r0-r3   next word of each column's run
//     r4-r7   words of inputs a b c d, then inputs a c
//     r8-r11  inputs b d
//     r12     columns, next word
//     lr      pairs of groups left
//
// A group is 16 inputs in 14 instructions or 24 cycles: 4 loads, 8 to widen, 8 words to store. Those
// are the floor of 22 cycles, the rest is the loop, which takes two groups a turn. A run costs 12
// instructions or 17 cycles beside them, a call 6 or 28.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    // on the stack: registers that are pushed, and behind them arguments
    .equ    GROUPS, 0
    .equ    ROWS, 40
    .equ    SKIP, 44

    .macro group
    ldr     r4, [r0], #4
    ldr     r5, [r1], #4
    ldr     r6, [r2], #4
    ldr     r7, [r3], #4
    sxtb16  r8, r4, ror #8
    sxtb16  r9, r5, ror #8
    sxtb16  r10, r6, ror #8
    sxtb16  r11, r7, ror #8
    sxtb16  r4, r4
    sxtb16  r5, r5
    sxtb16  r6, r6
    sxtb16  r7, r7
    stm     r12!, {r4-r11}
    .endm

    .section .text.tk_widen_s8, "ax", %progbits
    .balign 4
    .global tk_widen_s8
    .type   tk_widen_s8, %function
tk_widen_s8:
    push    {r3-r11, lr}
    mov     r12, r2
    add     r2, r0, r1, lsl #1
    add     r3, r2, r1
    add     r1, r1, r0
.Lrun:
    ldr     lr, [sp, #GROUPS]
    lsrs    lr, lr, #1
    bcs     .Lodd
.Lturn:
    group
.Lhalf:
    group
    subs    lr, lr, #1
    bhi     .Lturn
    ldrd    r4, r5, [sp, #ROWS]
    subs    r4, r4, #1
    beq     .Ldone
    str     r4, [sp, #ROWS]
    add     r0, r0, r5
    add     r1, r1, r5
    add     r2, r2, r5
    add     r3, r3, r5
    b       .Lrun
.Lodd:
    add     lr, lr, #1
    b       .Lhalf
.Ldone:
    pop     {r3-r11, pc}
    .size   tk_widen_s8, . - tk_widen_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_widen_s8
    .long   tk_widen_s8
    .uleb128 40
#endif
