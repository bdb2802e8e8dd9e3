// A 3x3 filter over the rows of a channel, two neighbouring outputs at a time. Contract and portable
// twin: tk_filter3_s8.c.
//
//     r0   inputs 0 1, then multiplier, place of the output
//     r1   top row, next inputs               r10  inputs 2 3, then half of the divisor, step
//     r2   centre row                         r11  sum, then output
//     r3   bottom row                         r12  sum, then output of the second
//     r4-r9  taps 0 1 and 1 2 of each row     lr   inputs 4 5, then shift, end of the row
//
// Stride 1 has 18 multiply-accumulates in 3 loads and 12 multiplies, stride 2 in 6 and 12: the floor
// is 21 or 24 cycles for two outputs. With all that surrounds them an output costs 19 or 20.5
// instructions, 24.5 or 26 cycles, of which 4 are requantization; a row costs 12 or 19, a call 14 or
// 60.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    // on the stack: what is copied of tk_filter3 and tk_filter3_rows
    .equ    BIAS, 0
    .equ    MULTIPLIER, 4
    .equ    HALF, 8
    .equ    SHIFT, 12
    .equ    DST, 16
    .equ    STEP, 20
    .equ    END, 24
    .equ    ROWS, 28
    .equ    NEXT_ROW, 32 // with the row's step behind it
    .equ    COPIED, 40

    .macro beside row, first, last
    ldrd    r0, r10, [\row], #4
    smlad   r11, r0, \first, r11
    smlabt  r11, r10, \last, r11
    smlatb  r12, r0, \first, r12
    smlad   r12, r10, \last, r12
    .endm

    .macro apart row, first, last
    ldrd    r0, r10, [\row], #8
    ldr     lr, [\row]
    smlad   r11, r0, \first, r11
    smlabt  r11, r10, \last, r11
    smlad   r12, r10, \first, r12
    smlabt  r12, lr, \last, r12
    .endm

    .macro rows taps
.Lpair_\taps:
    ldr     r11, [sp, #BIAS]
    mov     r12, r11
    \taps   r1, r4, r5
    \taps   r2, r6, r7
    \taps   r3, r8, r9
    ldr     r0, [sp, #MULTIPLIER]
    ldr     r10, [sp, #HALF]
    add     lr, r10, r11, asr #31 // one less below zero
    smmlar  r11, r11, r0, lr
    add     r10, r10, r12, asr #31
    smmlar  r12, r12, r0, r10
    ldr     lr, [sp, #SHIFT]
    ldr     r0, [sp, #DST]
    ldr     r10, [sp, #STEP]
    asr     r11, r11, lr
    asr     r12, r12, lr
    ssat    r11, #8, r11
    ssat    r12, #8, r12
    strb    r11, [r0]
    ldr     lr, [sp, #END]
    cmp     r1, lr
    bhi     .Lalone_\taps
    strb    r12, [r0, r10]
    add     r0, r0, r10, lsl #1
    str     r0, [sp, #DST]
    bne     .Lpair_\taps
    b       .Lnext_\taps
.Lalone_\taps: // the last output of the row has no neighbour
    add     r0, r0, r10
    str     r0, [sp, #DST]
.Lnext_\taps:
    ldr     r0, [sp, #ROWS]
    subs    r0, r0, #1
    beq     .Ldone
    str     r0, [sp, #ROWS]
    ldrd    r0, r10, [sp, #NEXT_ROW]
    add     r1, r1, r0
    add     r2, r2, r0
    add     r3, r3, r0
    add     lr, lr, r10
    str     lr, [sp, #END]
    b       .Lpair_\taps
    .endm

    .section .text.tk_filter3_s8, "ax", %progbits
    .balign 4
    .global tk_filter3_s8
    .type   tk_filter3_s8, %function
tk_filter3_s8:
    push    {r4-r11, lr}
    ldr     r12, [sp, #36]
    ldm     r12, {r4-r10}
    add     r6, r6, r1
    push    {r4-r9}
    add     r12, r0, #24
    ldm     r12, {r4-r7}
    push    {r4-r7}
    cmp     r10, #1
    ldm     r0, {r4-r9}
    bne     .Lpair_apart
    rows    beside
    rows    apart
.Ldone:
    add     sp, sp, #COPIED
    pop     {r4-r11, pc}
    .size   tk_filter3_s8, . - tk_filter3_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_filter3_s8
    .long   tk_filter3_s8
    .uleb128 76
#endif
