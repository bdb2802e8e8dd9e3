// The inner product of FULLY_CONNECTED with weights of at most 16 values: a row of codes times the
// inputs. Contract and portable twin: tk_pair_sum_s8.c.
//
//     r0     codes, next                  r4-r7   inputs, two each
//     r1     end of the codes             r8-r11  a byte of codes, then the weights that it tells
//     r2     pairs                        r12     sum
//     r3     inputs, next
//
// 8 inputs are 8 multiply-accumulates in 16 instructions: 3 for each two of them, of which one
// multiplies, 2 loads and 2 to loop.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    .section .text.tk_pair_sum_s8, "ax", %progbits
    .balign 4
    .global tk_pair_sum_s8
    .type   tk_pair_sum_s8, %function
tk_pair_sum_s8:
    push    {r4-r11}
    mov     r12, #0
.Lword:
    ldr     r11, [r0], #4
    ldm     r3!, {r4-r7}
    uxtb    r8, r11
    ubfx    r9, r11, #8, #8
    ubfx    r10, r11, #16, #8
    lsr     r11, r11, #24
    ldr     r8, [r2, r8, lsl #2]
    ldr     r9, [r2, r9, lsl #2]
    ldr     r10, [r2, r10, lsl #2]
    ldr     r11, [r2, r11, lsl #2]
    smlad   r12, r8, r4, r12
    smlad   r12, r9, r5, r12
    smlad   r12, r10, r6, r12
    smlad   r12, r11, r7, r12
    cmp     r0, r1
    bne     .Lword
    mov     r0, r12
    pop     {r4-r11}
    bx      lr
    .size   tk_pair_sum_s8, . - tk_pair_sum_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_pair_sum_s8
    .long   tk_pair_sum_s8
    .uleb128 32
#endif
