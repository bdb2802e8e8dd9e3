// Four outputs of their sums, for Armv6-M, which multiplies 32 by 32 bits to 32 only. Contract:
// tk_quads.h. Portable twin: tk_finish_quad_s8.c.
//
//     r0-r4   a sum and its parts
//     r5      outputs
//     r6, r7  next multiplier, next shift
//     r8      half of what the high word drops
//     r9, r11 least and greatest output
//     r10     2 * zero point + 1
//     r12, lr 1 and 4, or 0 if one scale is for all
//
// An output is 33 instructions, of which 17 are the high word of the product; four take 42 more. The
// floor is 28: a core with conditions or saturation would spare the 4 that clip, and one copy.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_ARCH_6M__) && __ARM_ARCH_6M__
    .syntax unified
    .thumb

    // tk_output
    .equ    SCALES, 2
    .equ    ZERO, 4
    .equ    MIN, 5
    .equ    MAX, 6
    .equ    MULTIPLIER, 8
    .equ    SHIFT, 12

    .macro load_byte to, offset
    movs    r4, #\offset
    ldrsb   r4, [r1, r4]
    mov     \to, r4
    .endm

    // sum * multiplier / 2^31, halves up: the sum is high * 2^16 + low with a signed low half, so
    // that for |sum| < 2^30 the two middle products and what is carried to them fit 32 bits. Then
    // both roundings of tk_round_plain: to shift by one less first leaves room for 2 * zero + 1.
    .macro finish number
    ldr     r0, [sp, #4 * \number]
    ldr     r1, [r6]
    add     r6, lr
    sxth    r2, r0
    subs    r0, r0, r2
    asrs    r0, r0, #16
    asrs    r3, r1, #16
    uxth    r1, r1
    movs    r4, r2
    muls    r4, r1, r4
    asrs    r4, r4, #16
    muls    r1, r0, r1
    muls    r2, r3, r2
    muls    r0, r3, r0
    adds    r1, r1, r4
    adds    r1, r1, r2
    add     r1, r8
    asrs    r1, r1, #15
    lsls    r0, r0, #1
    adds    r0, r0, r1
    asrs    r1, r0, #31
    adds    r0, r0, r1
    ldrb    r4, [r7]
    add     r7, r12
    mvns    r4, r4
    asrs    r0, r0, r4
    add     r0, r10
    asrs    r0, r0, #1
    cmp     r0, r9
    bge     1f
    mov     r0, r9
1:  cmp     r0, r11
    ble     2f
    mov     r0, r11
2:  strb    r0, [r5, #\number]
    .endm

    .section .text.tk_finish_quad_s8, "ax", %progbits
    .balign 4
    .global tk_finish_quad_s8
    .type   tk_finish_quad_s8, %function
tk_finish_quad_s8:
    push    {r4-r7, lr}
    mov     r4, r8
    mov     r5, r9
    mov     r6, r10
    mov     r7, r11
    push    {r4-r7}
    ldm     r0!, {r4-r7}
    push    {r4-r7}
    load_byte r10, ZERO
    add     r10, r4
    movs    r4, #1
    add     r10, r4
    lsls    r4, r4, #14
    mov     r8, r4
    load_byte r9, MIN
    load_byte r11, MAX
    mov     r5, r3
    ldr     r6, [r1, #MULTIPLIER]
    ldr     r7, [r1, #SHIFT]
    ldrh    r0, [r1, #SCALES]
    subs    r0, #1
    beq     .Lone_scale
    movs    r0, #1
    adds    r7, r7, r2
    lsls    r2, r2, #2
    adds    r6, r6, r2
.Lone_scale:
    mov     r12, r0
    lsls    r0, r0, #2
    mov     lr, r0
    finish  0
    finish  1
    finish  2
    finish  3
    add     sp, #16
    pop     {r4-r7}
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    mov     r11, r7
    pop     {r4-r7, pc}
    .size   tk_finish_quad_s8, . - tk_finish_quad_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_finish_quad_s8
    .long   tk_finish_quad_s8
    .uleb128 52
#endif
