// The inner product of a convolution with weights in blocks of four inputs: a row of weights times
// four columns of inputs, requantized and stored, row after row. Contract and portable twin:
// tk_tile_blocks_s8.c.
//
// While summing:                             While finishing a row:
//     r0     stream, next                        r0     stream
//     r1     group in the columns                r1     multiplier, doubled
//     r2, r3 step, then inputs a c of columns    r2     2 * zero point + 1
//            0, 1, then b d of columns 2, 3      r3     shift to the right, less 1
//     r4-r7  sums of columns 0-3                 r4-r7  sums
//     r8, r9 inputs a c of columns 2, 3
//     r10, r11 inputs b d of columns 0, 1
//     r12    weights a c                         r12    for one instruction
//     lr     weights, then b d                   lr     row
//
// A block is 16 multiply-accumulates in 17 instructions: 4 loads of 10 words, 2 to widen, 8 dual
// multiplies, 3 to step and to loop. A row costs 47 beside it for its 4 outputs.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_tile_row.inc"

    .equ    GROUP, 32 // bytes of columns
    // registers that are pushed, and behind them tk_tile
    .equ    ROWS, 4 // with the columns behind it
    .equ    ROW, 48
    .equ    DST, 56
    .equ    CHANNELS, 72
    .equ    ZERO, 76

    .section .text.tk_tile_blocks_s8, "ax", %progbits
    .balign 4
    .global tk_tile_blocks_s8
    .type   tk_tile_blocks_s8, %function
tk_tile_blocks_s8:
    sub     r2, r2, #GROUP
    mov     r12, #0
    push    {r0-r12, lr}
.Lrow:
    start_four
    ldrb    r2, [r0], #1
    cbz     r2, .Lend
.Lblock:
    add     r1, r1, r2, lsl #5
    ldr     lr, [r0], #4
    ldm     r1, {r2, r3, r8-r11}
    sxtb16  r12, lr
    sxtb16  lr, lr, ror #8
    smlad   r4, r12, r2, r4
    smlad   r5, r12, r3, r5
    ldrd    r2, r3, [r1, #24]
    smlad   r6, r12, r8, r6
    smlad   r7, r12, r9, r7
    smlad   r4, lr, r10, r4
    smlad   r5, lr, r11, r5
    smlad   r6, lr, r2, r6
    smlad   r7, lr, r3, r7
    ldrb    r2, [r0], #1
    cmp     r2, #0
    bne     .Lblock
.Lend:
    finish_four
    next_row .Lrow
    .size   tk_tile_blocks_s8, . - tk_tile_blocks_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_tile_blocks_s8
    .long   tk_tile_blocks_s8
    .uleb128 56
#endif
