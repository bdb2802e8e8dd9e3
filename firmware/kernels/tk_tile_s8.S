// The inner product of a convolution: two rows of weights times four columns of inputs, requantized
// and stored, row pair after row pair. Contract and portable twin: tk_tile_s8.c.
//
// While summing:                          While finishing a pair of rows:
//     r0   weights, next word                 r0      weights
//     r1   columns, next word                 r1      record, then that of the next pair
//     r2   columns 0, 2: inputs a, b          r2      multiplier, then shift, then odd row
//     r3   columns 1, 3: inputs a, b          r3      the odd row's, then channels
//     r4   even row: sums of columns 0-3      r4-r11  sums, then outputs
//     -r7                                     r12     2 * zero point + 1, then a place
//     r8   odd row: sums of columns 0-3       lr      even row
//     -r11
//     r12  word of weights, then odd row
//     lr   even row: weights a, b
//
// Two inputs a, b of a step are 16 multiply-accumulates in 13 instructions or 17 cycles: 3 loads, 2
// to widen, 8 dual multiplies. The floor is 16 cycles, 10 and 5 words in one run of loads, which
// would take two more registers. A turn of the loop takes 32 inputs, and 3 instructions or 6 cycles
// beside them: 0.82 instructions and 1.09 cycles a multiply-accumulate. A pair of rows costs 76 or
// 89 beside it for its 8 outputs, 40 of them to requantize.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_requantize.inc"

    // on the stack, the registers that are pushed first and then tk_tile
    .equ    TURN, 0 // where the loop is entered
    .equ    RECORD, 12
    .equ    COLUMNS, 16
    .equ    END, 20
    .equ    ROW, 56
    .equ    DST, 64
    .equ    CHANNELS, 80
    .equ    ZERO, 84

    .macro step
    ldrd    r2, r3, [r1], #8
    ldr     r12, [r0], #4
    sxtb16  lr, r12
    sxtb16  r12, r12, ror #8
    smlad   r4, lr, r2, r4
    smlad   r5, lr, r3, r5
    smlad   r8, r12, r2, r8
    smlad   r9, r12, r3, r9
    ldrd    r2, r3, [r1], #8
    smlad   r6, lr, r2, r6
    smlad   r7, lr, r3, r7
    smlad   r10, r12, r2, r10
    smlad   r11, r12, r3, r11
    .endm

    // A step whose sums begin with the biases in r4 and r8, which column 0 takes last.
    .macro first
    ldrd    r2, r3, [r1, #4]
    ldr     r12, [r0], #4
    sxtb16  lr, r12
    sxtb16  r12, r12, ror #8
    smlad   r5, lr, r2, r4
    smlad   r6, lr, r3, r4
    smlad   r9, r12, r2, r8
    smlad   r10, r12, r3, r8
    ldr     r2, [r1], #12
    ldr     r3, [r1], #4
    smlad   r7, lr, r3, r4
    smlad   r4, lr, r2, r4
    smlad   r11, r12, r3, r8
    smlad   r8, r12, r2, r8
    .endm

    .macro store dst, even, odd
    ldr     r12, [sp, #\dst]
    strb    \even, [r12, lr]
    strb    \odd, [r12, r2]
    .endm

    .section .text.tk_tile_s8, "ax", %progbits
    .balign 4
    .global tk_tile_s8
    .type   tk_tile_s8, %function
tk_tile_s8:
    mov     r12, #0
    push    {r0-r12, lr}
    sub     sp, sp, #8
    // A group of 4 inputs is 32 bytes of columns. One is taken ahead of the loop; the first turn
    // takes 1 to 8 of the others, so that the last one is whole.
    sub     r3, r3, r2
    adr     r4, .Lsums
    subs    r3, r3, #32
    beq     .Lenter
    adr     r4, .Lgroup
    sub     r3, r3, #32
    and     r3, r3, #224
    sub     r4, r4, r3, lsl #1 // a group is 104 bytes of code, 3.25 times 32
    sub     r4, r4, r3
    sub     r4, r4, r3, lsr #2
.Lenter:
    str     r4, [sp, #TURN]
.Lpair:
    ldrd    r4, r8, [r1]
    ldr     r1, [sp, #COLUMNS]
    first
    step
    ldr     r2, [sp, #TURN]
    mov     pc, r2
    .balign 4
.Lturn:
    .rept   14
    step
    .endr
.Lgroup:
    step
    step
    ldr     r2, [sp, #END]
    cmp     r1, r2
    bne     .Lturn
    .balign 4
.Lsums:
    ldr     r1, [sp, #RECORD]
    ldrd    r2, r3, [r1, #8]
    .irp    sum, r4, r5, r6, r7
    smmlar  \sum, \sum, r2, \sum
    .endr
    .irp    sum, r8, r9, r10, r11
    smmlar  \sum, \sum, r3, \sum
    .endr
    ldr     r12, [sp, #ZERO]
    ldr     lr, [sp, #ROW]
    ldrb    r2, [r1, #16]
    ldrb    r3, [r1, #17]
    add     r1, r1, #20
    str     r1, [sp, #RECORD]
    .irp    sum, r4, r5, r6, r7
    finish_doubled \sum, r2, r12
    .endr
    .irp    sum, r8, r9, r10, r11
    finish_doubled \sum, r3, r12
    .endr
    ldr     r3, [sp, #CHANNELS]
    add     r2, lr, #1
    cmp     r2, r3
    beq     .Lalone
.Lstore:
    store   DST, r4, r8
    store   DST + 4, r5, r9
    store   DST + 8, r6, r10
    store   DST + 12, r7, r11
    add     lr, lr, #2
    str     lr, [sp, #ROW]
    cmp     lr, r3
    bcc     .Lpair
    add     sp, sp, #8
    pop     {r0-r12, pc}
.Lalone: // the last row is even: its outputs are stored twice
    mov     r2, lr
    mov     r8, r4
    mov     r9, r5
    mov     r10, r6
    mov     r11, r7
    b       .Lstore
    .size   tk_tile_s8, . - tk_tile_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_tile_s8
    .long   tk_tile_s8
    .uleb128 64
#endif
