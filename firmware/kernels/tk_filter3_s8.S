// A 3x3 filter over the rows of a channel, two neighbouring outputs at a time. Contract and portable
// twin: tk_filter3_s8.c.
//
//     r0   inputs 0 1, then the multiplier    r10  inputs 2 3, then half of the divisor
//     r1   top row, next inputs               r11  sum, then output
//     r2   centre row                         r12  sum, then output of the second
//     r3   bottom row                         lr   inputs 4 5, then the shift to the right
//     r4-r9  taps 0 1 and 1 2 of each row
//
// Stride 1 has 18 multiply-accumulates in 3 loads and 12 multiplies, stride 2 in 6 and 12; with all
// that surrounds them an output costs 20 or 22 instructions, and a row 14. Requantization is more
// than half of an output.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_requantize.inc"

    // tk_filter3, behind the registers that are pushed
    .equ    DST, 36
    .equ    END, 44
    .equ    BIAS, 48
    .equ    MULTIPLIER, 52
    .equ    HALF, 56 // with the shift behind it
    .equ    STRIDE, 64
    .equ    ROWS, 68
    .equ    NEXT_ROW, 72 // with the row's step behind it

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
    ldrd    r10, lr, [sp, #HALF]
    requantize r11, r0, r10, lr
    requantize r12, r0, r10, lr
    ldrd    r0, r10, [sp, #DST]
    ldr     lr, [sp, #END]
    strb    r11, [r0]
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
    ldm     r0, {r4-r9}
    ldr     r12, [sp, #STRIDE]
    cmp     r12, #1
    bne     .Lpair_apart
    rows    beside
    rows    apart
.Ldone:
    pop     {r4-r11, pc}
    .size   tk_filter3_s8, . - tk_filter3_s8

    .section .stack_sizes, "o", %progbits, .text.tk_filter3_s8
    .long   tk_filter3_s8
    .uleb128 36
#endif
