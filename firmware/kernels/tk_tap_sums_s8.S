// A depthwise filter for four channels, for Armv6-M. Contract: tk_quads.h. Portable twin:
// tk_tap_sums_s8.c.
//
//     r0, r1  inputs and weights of the next tap
//     r2-r5   0, 1, 2, 3: loads that extend the sign take no constant
//     r6, r7  an input, a weight
//     r8-r11  sums of channels 0-3
//     r12     less the input's zero point
//     lr      from the weights of one tap to the next
//
// A tap is 26 instructions for four products: 8 loads, 4 multiplications, 8 additions, of which 4
// take the zero point away, and 6 to step and to loop. That is 6.5 a multiply-accumulate, the floor
// is 5. A row costs 12 beside it, a call 43.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_ARCH_6M__) && __ARM_ARCH_6M__
    .syntax unified
    .thumb

    // tk_taps
    .equ    ROWS, 8
    .equ    COLUMNS, 12
    .equ    PIXEL, 16
    .equ    VALUE_ROW, 20
    .equ    WEIGHT_ROW, 24
    .equ    CHANNELS, 28
    .equ    ZERO, 32

    // The frame: what the loops need, then the high registers, then where the sums are.
    .equ    LEFT, 0 // rows
    .equ    PIXELS, 4
    .equ    RUN, 8 // of a row's inputs
    .equ    INSIDE, 12
    .equ    END, 16 // of this row's
    .equ    SUMS, 40

    .macro channel at, sum
    ldrsb   r6, [r0, \at]
    add     r6, r12
    ldrsb   r7, [r1, \at]
    muls    r7, r6, r7
    add     \sum, r7
    .endm

    .section .text.tk_tap_sums_s8, "ax", %progbits
    .balign 4
    .global tk_tap_sums_s8
    .type   tk_tap_sums_s8, %function
tk_tap_sums_s8:
    push    {r3-r7, lr}
    mov     r4, r8
    mov     r5, r9
    mov     r6, r10
    mov     r7, r11
    push    {r4-r7}
    ldm     r3!, {r4-r7}
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    mov     r11, r7
    sub     sp, #8
    ldr     r3, [r0, #ROWS]
    ldr     r4, [r0, #PIXEL]
    ldr     r5, [r0, #COLUMNS]
    muls    r5, r4, r5
    mov     r6, r0
    push    {r3-r6}
    ldr     r3, [r0, #ZERO]
    rsbs    r3, r3, #0
    mov     r12, r3
    ldr     r3, [r0, #CHANNELS]
    mov     lr, r3
    mov     r0, r1
    mov     r1, r2
    movs    r2, #0
    movs    r3, #1
    movs    r4, #2
    movs    r5, #3
.Lrow:
    ldr     r6, [sp, #RUN]
    adds    r6, r0, r6
    str     r6, [sp, #END]
.Ltap:
    channel r2, r8
    channel r3, r9
    channel r4, r10
    channel r5, r11
    ldr     r6, [sp, #PIXELS]
    adds    r0, r0, r6
    add     r1, lr
    ldr     r6, [sp, #END]
    cmp     r0, r6
    bne     .Ltap
    ldr     r6, [sp, #INSIDE]
    ldr     r7, [r6, #VALUE_ROW]
    adds    r0, r0, r7
    ldr     r7, [r6, #WEIGHT_ROW]
    adds    r1, r1, r7
    ldr     r6, [sp, #LEFT]
    subs    r6, #1
    str     r6, [sp, #LEFT]
    bne     .Lrow
    add     sp, #24
    mov     r4, r8
    mov     r5, r9
    mov     r6, r10
    mov     r7, r11
    ldr     r3, [sp, #SUMS - 24]
    stm     r3!, {r4-r7}
    pop     {r4-r7}
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    mov     r11, r7
    pop     {r3-r7, pc}
    .size   tk_tap_sums_s8, . - tk_tap_sums_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_tap_sums_s8
    .long   tk_tap_sums_s8
    .uleb128 64
#endif
