// Copies rows of a window, which may stick out of the image to the left and to the right. Contract
// and portable twin: tk_strip_s8.c.
//
//     r0  next byte to write             r6  bytes to fill on the left
//     r1  value that they are filled with    r7  bytes to copy
//     r2  rows left                      r8  bytes to fill on the right
//     r3  next byte to read              r12 bytes left
//     r4  the row                        lr  word or byte
//     r5  from one row to the next
//
// A row costs 12 instructions or 16 cycles, 4 or 7 a word and 4 or 7 a byte of the last three, 3 or
// 5 a byte that is filled. The floor is 2 instructions a word, a load and a store: rows are too short
// for more of them a turn.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb

    .section .text.tk_strip_s8, "ax", %progbits
    .balign 4
    .global tk_strip_s8
    .type   tk_strip_s8, %function
tk_strip_s8:
    push    {r4-r8, lr}
    ldm     r3, {r4-r8}
.Lrow:
    movs    r12, r6
    bne     .Lleft
.Lcopy:
    mov     r3, r4
    subs    r12, r7, #4
    bmi     .Llast
.Lword:
    ldr     lr, [r3], #4
    subs    r12, r12, #4
    str     lr, [r0], #4
    bpl     .Lword
.Llast:
    adds    r12, r12, #4
    beq     .Lcopied
.Lbyte:
    ldrb    lr, [r3], #1
    subs    r12, r12, #1
    strb    lr, [r0], #1
    bne     .Lbyte
.Lcopied:
    movs    r12, r8
    bne     .Lright
.Lnext:
    add     r4, r4, r5
    subs    r2, r2, #1
    bne     .Lrow
    pop     {r4-r8, pc}

.Lleft:
    strb    r1, [r0], #1
    subs    r12, r12, #1
    bne     .Lleft
    b       .Lcopy
.Lright:
    strb    r1, [r0], #1
    subs    r12, r12, #1
    bne     .Lright
    b       .Lnext
    .size   tk_strip_s8, . - tk_strip_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_strip_s8
    .long   tk_strip_s8
    .uleb128 24
#endif
