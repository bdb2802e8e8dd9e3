// The inner product of a convolution with weights of at most 16 values: a row of codes times four
// columns of inputs, requantized and stored, row after row. Contract and portable twin:
// tk_tile_codebook_s8.c.
//
// While summing:                             While finishing a row:
//     r0     codes, next                         r0     codes
//     r1     columns, next word                  r1     multiplier, doubled
//     r2     codes of 8 inputs                   r2     2 * zero point + 1
//     r3     values                              r3     shift to the right, less 1
//     r4-r7  sums of columns 0-3                 r4-r7  sums
//     r8-r11 two inputs of columns 0-3
//     r12    weight, then two                    r12    for one instruction
//     lr     weight                              lr     row
//
// 8 inputs are 32 multiply-accumulates in 44 instructions: 5 to look each two weights up, which is
// 20, 5 loads, 16 dual multiplies, 3 to loop. A row costs 51 beside it for its 4 outputs.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_tile_row.inc"

    // registers that are pushed, and behind them tk_tile_codebook
    .equ    ROWS, 4 // with the columns behind it
    .equ    END, 12
    .equ    ROW, 48
    .equ    DST, 56
    .equ    CHANNELS, 72
    .equ    ZERO, 76
    .equ    BOOKS, 80 // with the values behind it

    .macro two_inputs low, high
    ubfx    r12, r2, #\low, #4
    ubfx    lr, r2, #\high, #4
    ldrsb   r12, [r3, r12]
    ldrsb   lr, [r3, lr]
    ldm     r1!, {r8-r11}
    pkhbt   r12, r12, lr, lsl #16
    smlad   r4, r12, r8, r4
    smlad   r5, r12, r9, r5
    smlad   r6, r12, r10, r6
    smlad   r7, r12, r11, r7
    .endm

    .section .text.tk_tile_codebook_s8, "ax", %progbits
    .balign 4
    .global tk_tile_codebook_s8
    .type   tk_tile_codebook_s8, %function
tk_tile_codebook_s8:
    mov     r12, #0
    push    {r0-r12, lr}
.Lrow:
    ldrd    r2, r3, [sp, #BOOKS]
    ldrb    r12, [r2], #1
    str     r2, [sp, #BOOKS]
    add     r3, r3, r12, lsl #4
    start_four
.Lword:
    ldr     r2, [r0], #4
    two_inputs 0, 8
    two_inputs 4, 12
    two_inputs 16, 24
    two_inputs 20, 28
    ldr     r12, [sp, #END]
    cmp     r1, r12
    bne     .Lword
    finish_four
    next_row .Lrow
    .size   tk_tile_codebook_s8, . - tk_tile_codebook_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_tile_codebook_s8
    .long   tk_tile_codebook_s8
    .uleb128 56
#endif
