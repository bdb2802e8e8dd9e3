// Gathering the channels of one group of a convolution, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_GROUPS_H
#define TK_GROUPS_H

#include "tk_window.h"

// Gathers the channels of one of `groups`, which begin at `src`, as tk_gather does for all.
static inline void tk_gather_group(const tk_window *window, uint32_t groups, int8_t pad_value,
                                   const int8_t *src, const tk_span *rows, const tk_span *columns,
                                   int8_t *column)
{
    const int32_t channels = (int32_t)(window->channels / groups);
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        const int inside_row = ky >= rows->begin && ky < rows->end;
        for (int32_t kx = 0; kx < window->kernel_width; kx++) {
            if (inside_row && kx >= columns->begin && kx < columns->end) {
                const int8_t *value = tk_tap(window, src, rows, columns, ky, kx);
                for (int32_t i = 0; i < channels; i++) {
                    *column++ = *value++;
                }
            } else {
                for (int32_t i = 0; i < channels; i++) {
                    *column++ = pad_value;
                }
            }
        }
    }
}

#endif
