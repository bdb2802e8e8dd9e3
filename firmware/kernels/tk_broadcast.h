// How kernels of two tensors walk through both, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_BROADCAST_H
#define TK_BROADCAST_H

#include "tk_inline.h"
#include "tk_kernels.h"

// One output from one value of each input.
typedef int8_t tk_pair(const void *layer, int32_t a, int32_t b);

typedef struct {
    uint32_t rounds[TK_BROADCAST_LOOPS];
    const int8_t *a;
    const int8_t *b;
} tk_walk;

// Go on to the next row; 0 behind the last one.
static inline int tk_next_row(const tk_broadcast *shape, tk_walk *walk)
{
    for (uint32_t i = 0; i < shape->loops; i++) {
        const uint32_t *loop = shape->loop + 3 * i;
        walk->rounds[i]++;
        if (walk->rounds[i] < loop[0]) {
            walk->a += loop[1];
            walk->b += loop[2];
            return 1;
        }
        walk->rounds[i] = 0;
        walk->a -= (loop[0] - 1) * loop[1];
        walk->b -= (loop[0] - 1) * loop[2];
    }
    return 0;
}

// Returns the place behind the last output.
TK_INLINE int8_t *tk_for_pairs(const tk_broadcast *shape, tk_pair *answer, const void *layer,
                               const int8_t *a, const int8_t *b, int8_t *dst)
{
    tk_walk walk = {{0}, a, b};
    do {
        a = walk.a;
        b = walk.b;
        const uint32_t a_step = shape->a_step, b_step = shape->b_step; // `dst` may be anything's
        const int8_t *const end = dst + shape->row;
        for (; dst < end; dst++) {
            *dst = answer(layer, *a, *b);
            a += a_step;
            b += b_step;
        }
    } while (tk_next_row(shape, &walk));
    return dst;
}

// One output of several bytes, read from and written to places that need not be aligned.
typedef void tk_wide_pair(const void *layer, const int8_t *a, const int8_t *b, int8_t *dst);

TK_INLINE void tk_for_wide_pairs(const tk_broadcast *shape, tk_wide_pair *answer, const void *layer,
                                 const int8_t *a, const int8_t *b, int8_t *dst, uint32_t width)
{
    tk_walk walk = {{0}, a, b};
    do {
        a = walk.a;
        b = walk.b;
        for (uint32_t i = 0; i < shape->row; i++) {
            answer(layer, a, b, dst);
            a += shape->a_step;
            b += shape->b_step;
            dst += width;
        }
    } while (tk_next_row(shape, &walk));
}

#endif
