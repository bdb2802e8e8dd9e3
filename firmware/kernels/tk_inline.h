// Inlining, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_INLINE_H
#define TK_INLINE_H

// Inlined, so that no call is left in a loop: the compiler sees which function is passed.
#define TK_INLINE static inline __attribute__((always_inline))

// Never inlined, so that its stack is not the caller's too.
#define TK_APART static __attribute__((noinline))

#endif
