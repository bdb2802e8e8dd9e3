// The inner product of a convolution with a bit for each weight: a row of weights times eight columns
// of inputs, requantized and stored, row after row. Contract and portable twin: tk_tile_bitmap_s8.c.
//
// While summing:                             While finishing a row:
//     r0     weights, next                       r0     weights
//     r1     input in the columns                r1     multiplier, doubled
//     r2     place of the bit, then four columns r2     2 * zero point + 1
//     r3     bits that are left, moved up        r3     shift to the right, less 1
//     r4-r11 sums of columns 0-7                 r4-r11 sums
//     r12    two columns                         r12    for one instruction
//     lr     weight                              lr     row
//
// A weight is 8 multiply-accumulates in 20 instructions: 3 loads, 4 to widen, 8 multiplies, 4 to find
// the bit and go there, and a branch. 32 inputs cost 10 beside it, a row 85 for its 8 outputs.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_tile_row.inc"

    .equ    HERE, 0 // where the word's inputs begin
    .equ    MASKS, 4
    .equ    ROWS, 8 // with the columns behind it
    .equ    ROW, 48
    // tk_tile_bitmap, behind the registers that are pushed
    .equ    END, 56
    .equ    CHANNELS, 60
    .equ    DST, 64
    .equ    ZERO, 96
    .equ    WORD, 256 // bytes of columns

    .section .text.tk_tile_bitmap_s8, "ax", %progbits
    .balign 4
    .global tk_tile_bitmap_s8
    .type   tk_tile_bitmap_s8, %function
tk_tile_bitmap_s8:
    mov     r12, #0
    push    {r0-r12, lr}
.Lrow:
    start_eight
.Lword:
    ldr     r12, [sp, #MASKS]
    ldr     r3, [r12], #4
    str     r12, [sp, #MASKS]
    str     r1, [sp, #HERE]
    cbz     r3, .Lnext
.Lweight:
    clz     r2, r3
    add     r1, r1, r2, lsl #3
    lsl     r3, r3, r2
    lsls    r3, r3, #1
    ldrsb   lr, [r0], #1
    ldr     r2, [r1], #4
    four_columns r2, r4, r5, r6, r7
    ldr     r2, [r1], #4
    four_columns r2, r8, r9, r10, r11
    bne     .Lweight
.Lnext:
    ldr     r1, [sp, #HERE]
    add     r1, r1, #WORD
    ldr     r2, [sp, #END]
    cmp     r1, r2
    blo     .Lword

    finish_eight
    next_row .Lrow
    .size   tk_tile_bitmap_s8, . - tk_tile_bitmap_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_tile_bitmap_s8
    .long   tk_tile_bitmap_s8
    .uleb128 56
#endif
