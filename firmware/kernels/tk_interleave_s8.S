// Turns runs of four positions into columns: a matrix of bytes is transposed, 4 by 4 at a time.
// Contract and portable twin: tk_interleave_s8.c.
//
//     r0, r3-r5  rows, next byte
//     r1         bytes left, less 4
//     r2         column, next
//     r6-r9      words of the rows, a to d
//     r12        for one instruction
//
// 16 bytes take 22 instructions: 8 loads and stores, 12 to transpose, 2 of loop. The floor is all but
// the loop.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    // Bytes 0 and 2 of both words in turn to `a`, bytes 1 and 3 to `b`.
    .macro merge_bytes a, b
    eor     r12, \a, \b, lsl #8
    and     r12, r12, #0xff00ff00
    eor     \a, \a, r12
    eor     \b, \b, r12, lsr #8
    .endm

    .macro byte row, place
    ldrb    r12, [\row], #1
    strb    r12, [r2, #\place]
    .endm

    .section .text.tk_interleave_s8, "ax", %progbits
    .balign 4
    .global tk_interleave_s8
    .type   tk_interleave_s8, %function
tk_interleave_s8:
    push    {r4-r9}
    ldrd    r4, r5, [r0, #8]
    ldrd    r0, r3, [r0]
    subs    r1, r1, #4
    blo     .Lrest
.Lfour:
    ldr     r6, [r0], #4
    ldr     r7, [r3], #4
    ldr     r8, [r4], #4
    ldr     r9, [r5], #4
    merge_bytes r6, r7
    merge_bytes r8, r9
    pkhbt   r12, r6, r8, lsl #16
    pkhtb   r6, r8, r6, asr #16
    str     r12, [r2], #8
    pkhbt   r12, r7, r9, lsl #16
    pkhtb   r7, r9, r7, asr #16
    str     r12, [r2], #8
    str     r6, [r2], #8
    str     r7, [r2], #8
    subs    r1, r1, #4
    bhs     .Lfour
.Lrest:
    adds    r1, r1, #4
    beq     .Ldone
.Lone:
    byte    r0, 0
    byte    r3, 1
    byte    r4, 2
    byte    r5, 3
    add     r2, r2, #8
    subs    r1, r1, #1
    bne     .Lone
.Ldone:
    mov     r0, r2
    pop     {r4-r9}
    bx      lr
    .size   tk_interleave_s8, . - tk_interleave_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_interleave_s8
    .long   tk_interleave_s8
    .uleb128 24
#endif
