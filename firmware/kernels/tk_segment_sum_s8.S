// The sum of a segment of sparse weights. Contract and portable twin: tk_segment_sum_s8.c.
//
//     r0  weights, next          r4  place in a turn, index, input
//     r1  indices, next          r12 sum
//     r2  count, then turns left lr  end of the turn, then weight
//     r3  inputs
//
// A product is 4 instructions, 3 of them loads: the floor, as each input is anywhere. Eight are a
// turn, entered where as many are left; a turn costs 2 beside them, a segment 11.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__ARM_FEATURE_DSP) && __ARM_FEATURE_DSP
    .syntax unified
    .thumb
#include "tk_sparse_rows.inc"

    .section .text.tk_segment_sum_s8, "ax", %progbits
    .balign 4
    .global tk_segment_sum_s8
    .type   tk_segment_sum_s8, %function
tk_segment_sum_s8:
    push    {r4, lr}
    mov     r12, #0
    adr.w   lr, .Lend
    orr     lr, lr, #1
    and     r4, r2, #7
    sub     r4, lr, r4, lsl #4
    lsr     r2, r2, #3
    bx      r4
.Lturn:
    .rept   8
    product r4, lr, r12
    .endr
.Lend:
    subs    r2, r2, #1
    bpl     .Lturn
    mov     r0, r12
    pop     {r4, pc}
    .size   tk_segment_sum_s8, . - tk_segment_sum_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_segment_sum_s8
    .long   tk_segment_sum_s8
    .uleb128 8
#endif
