// The taps of a pool, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_POOL_H
#define TK_POOL_H

#include "tk_load.h"
#include "tk_positions.h"

// The greatest of the taps inside of the image, of a channel that begins at `src`.
TK_INLINE int32_t tk_greatest_tap(const tk_window *window, tk_load *load, int32_t least,
                                  const int8_t *src, const tk_span *rows, const tk_span *columns)
{
    int32_t best = least;
    for (int32_t ky = rows->begin; ky < rows->end; ky++) {
        const int8_t *value = tk_tap(window, src, rows, columns, ky, columns->begin);
        for (int32_t kx = columns->begin; kx < columns->end; kx++) {
            best = load(value) > best ? load(value) : best;
            value += window->channels;
        }
    }
    return best;
}

// Their sum.
TK_INLINE int32_t tk_sum_of_taps(const tk_window *window, tk_load *load, const int8_t *src,
                                 const tk_span *rows, const tk_span *columns)
{
    int32_t sum = 0;
    for (int32_t ky = rows->begin; ky < rows->end; ky++) {
        const int8_t *value = tk_tap(window, src, rows, columns, ky, columns->begin);
        for (int32_t kx = columns->begin; kx < columns->end; kx++) {
            sum += load(value);
            value += window->channels;
        }
    }
    return sum;
}

#endif
