// Going through the output positions of a window, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_POSITIONS_H
#define TK_POSITIONS_H

#include "tk_inline.h"
#include "tk_window.h"

// Where a window lies, and where its output goes.
typedef struct {
    uint32_t y, x;
    const int8_t *src;
    int8_t *dst;
    int8_t *column; // scratch
} tk_position;

typedef void tk_answer(const void *layer, const tk_position *at);

// `bytes` are those of an output position.
TK_INLINE void tk_for_positions(const tk_window *window, tk_answer *answer, const void *layer,
                                uint32_t bytes, tk_position at)
{
    int8_t *const dst = at.dst;
    for (uint32_t row = 0; row < window->out_height; row++) {
        at.y = tk_turn(window, row, window->out_height);
        for (uint32_t step = 0; step < window->out_width; step++) {
            at.x = tk_turn(window, step, window->out_width);
            at.dst = dst + (at.y * window->out_width + at.x) * bytes;
            answer(layer, &at);
        }
    }
}

#endif
