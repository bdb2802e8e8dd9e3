// The inner product of FULLY_CONNECTED: four rows of weights times one column of inputs. Contract
// and portable twin: tk_rows_s8.c.
//
//     r0     weights, next word           r8-r11  words of weights: rows 0 1 and 2 3 of inputs a, c,
//     r1     column, next byte                    then of inputs b, d; then the odd row
//     r2     inputs a, c                  r12     the even row
//     r3     inputs b, d                  lr      end of the column
//     r4-r7  sums of rows 0-3
//
// Four inputs a b c d are 16 multiply-accumulates in 20 instructions: 2 loads, 10 to widen, 8 dual
// multiplies. With 2 of loop for 8 inputs that is 1.31 a multiply-accumulate. The floor is 1: with
// one column there is nothing to share the widening of the weights with.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    .macro pair_of_rows word, inputs, even, odd
    sxtb16  r12, \word
    sxtb16  \word, \word, ror #8
    smlad   \even, r12, \inputs, \even
    smlad   \odd, \word, \inputs, \odd
    .endm

    .macro step
    ldm     r0!, {r8-r11}
    ldr     r2, [r1], #4
    sxtb16  r3, r2, ror #8
    sxtb16  r2, r2
    pair_of_rows r8, r2, r4, r5
    pair_of_rows r9, r2, r6, r7
    pair_of_rows r10, r3, r4, r5
    pair_of_rows r11, r3, r6, r7
    .endm

    .section .text.tk_rows_s8, "ax", %progbits
    .balign 4
    .global tk_rows_s8
    .type   tk_rows_s8, %function
tk_rows_s8:
    push    {r3-r11, lr}
    mov     lr, r2
    ldm     r3, {r4-r7}
    sub     r3, lr, r1
    tst     r3, #4
    bne     .Lhalf
.Lturn:
    step
.Lhalf:
    step
    cmp     r1, lr
    bne     .Lturn
    pop     {r3}
    stm     r3, {r4-r7}
    pop     {r4-r11, pc}
    .size   tk_rows_s8, . - tk_rows_s8

    .section .stack_sizes, "o", %progbits, .text.tk_rows_s8
    .long   tk_rows_s8
    .uleb128 40
#endif
