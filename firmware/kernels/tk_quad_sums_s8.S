// Four rows of weights times one column of inputs, for each kind of core. Contract: tk_quads.h.
// Portable twin: tk_quad_sums_s8.c.
//
// SPDX-License-Identifier: Apache-2.0
#if defined(__arm__) || defined(__riscv)
#if defined(__arm__)
    .syntax unified
    .thumb
#endif

    .section .text.tk_quad_sums_s8, "ax", %progbits
    .balign 4
    .global tk_quad_sums_s8
    .type   tk_quad_sums_s8, %function

#if defined(__riscv)
#include "tk_quad_sums_riscv.inc"
#elif defined(__ARM_ARCH_6M__) && __ARM_ARCH_6M__
#include "tk_quad_sums_armv6m.inc"
#else
#include "tk_quad_sums_thumb2.inc"
#endif
    .size   tk_quad_sums_s8, . - tk_quad_sums_s8

    // What clang writes for C: host/stack.py reads it.
    .section .stack_sizes, "o", %progbits, .text.tk_quad_sums_s8
    .long   tk_quad_sums_s8
    .uleb128 FRAME
#endif
