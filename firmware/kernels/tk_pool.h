// The taps of a pool, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_POOL_H
#define TK_POOL_H

#include "tk_load.h"
#include "tk_positions.h"

#define TK_POOL_QUAD 4

// The taps of one output position that lie inside of the image, the same for all channels.
typedef struct {
    const int8_t *values; // channel 0 of the first
    int32_t rows, columns;
    int32_t step; // from one tap of a row to the next
    int32_t row;  // from the first tap of a row to that of the next
} tk_pool_taps;

// What the taps of four neighbouring channels have come to: a number each, or two or four of them
// in a word.
typedef struct {
    uint32_t of[TK_POOL_QUAD];
} tk_pool_quad;

// The same with one tap more, whose four channels are at `values`.
typedef tk_pool_quad tk_pool_join(tk_pool_quad quad, const int8_t *values);

// How many taps of a window lie inside of an axis, and where the first does. Pools are not dilated.
TK_INLINE int32_t tk_pool_span(int32_t origin, int32_t taps, int32_t length, int32_t *begin)
{
    const int32_t end = origin + taps;
    *begin = origin < 0 ? 0 : origin;
    return (end > length ? length : end) - *begin;
}

static inline tk_pool_taps tk_pool_taps_at(const tk_window *window, const tk_position *at)
{
    const int32_t y = (int32_t)(at->y * window->stride_height) - window->pad_height;
    const int32_t x = (int32_t)(at->x * window->stride_width) - window->pad_width;
    const int32_t step = window->channels;
    int32_t top, left;
    const int32_t rows = tk_pool_span(y, window->kernel_height, window->in_height, &top);
    const int32_t columns = tk_pool_span(x, window->kernel_width, window->in_width, &left);
    return (tk_pool_taps){
        .values = at->src + (top * window->in_width + left) * step,
        .rows = rows,
        .columns = columns,
        .step = step,
        .row = window->in_width * step,
    };
}

// Joins the taps of four channels, the first of which is `channel`.
TK_INLINE tk_pool_quad tk_join_taps(const tk_pool_taps *taps, tk_pool_join *join, tk_pool_quad quad,
                                    uint32_t channel)
{
    const int8_t *first = taps->values + channel;
    for (int32_t row = 0; row < taps->rows; row++, first += taps->row) {
        const int8_t *const end = first + taps->columns * taps->step;
        for (const int8_t *values = first; values < end; values += taps->step) {
            quad = join(quad, values);
        }
    }
    return quad;
}

// The greatest of the taps of a channel, or `least`.
TK_INLINE int32_t tk_greatest_tap(const tk_pool_taps *taps, tk_load *load, int32_t least,
                                  uint32_t channel)
{
    const int8_t *first = taps->values + channel;
    int32_t best = least;
    for (int32_t row = 0; row < taps->rows; row++, first += taps->row) {
        const int8_t *const end = first + taps->columns * taps->step;
        for (const int8_t *value = first; value < end; value += taps->step) {
            best = load(value) > best ? load(value) : best;
        }
    }
    return best;
}

// Their sum.
TK_INLINE int32_t tk_sum_of_taps(const tk_pool_taps *taps, tk_load *load, uint32_t channel)
{
    const int8_t *first = taps->values + channel;
    int32_t sum = 0;
    for (int32_t row = 0; row < taps->rows; row++, first += taps->row) {
        const int8_t *const end = first + taps->columns * taps->step;
        for (const int8_t *value = first; value < end; value += taps->step) {
            sum += load(value);
        }
    }
    return sum;
}

#endif
