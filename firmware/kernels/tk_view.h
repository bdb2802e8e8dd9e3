// The rows of a window at an output position, for kernels that take several positions at a time.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_VIEW_H
#define TK_VIEW_H

#include "tk_fixed.h"
#include "tk_window.h"

// Where a window lies; its rows are read in place if it lies inside of the image and is not
// dilated.
typedef struct {
    const int8_t *first; // of the window's first row, if it lies inside
    int32_t row_step;
    tk_span rows, columns; // used if it does not
} tk_view;

// The view of a window that is not read in place.
tk_view tk_view_across(const tk_window *window, uint32_t y, uint32_t x);

static inline tk_view tk_view_at(const tk_window *window, const int8_t *src, uint32_t y, uint32_t x)
{
    const int32_t top = (int32_t)(y * window->stride_height) - window->pad_height;
    const int32_t left = (int32_t)(x * window->stride_width) - window->pad_width;
    const int32_t reach = (window->kernel_height - 1) * window->dilation_height;
    const int32_t row_bytes = window->in_width * window->channels;
    if (window->dilation_width > 1 || top < 0 || left < 0 || top + reach >= window->in_height ||
        left + window->kernel_width > window->in_width) {
        return (tk_view){.rows = tk_rows(window, y), .columns = tk_columns(window, x)};
    }
    return (tk_view){
        .first = src + top * row_bytes + left * window->channels,
        .row_step = row_bytes * window->dilation_height,
    };
}

// Copies a row of a window that sticks out of the image, or is dilated.
void tk_gather_row(const tk_window *window, int8_t pad_value, const int8_t *src,
                   const tk_view *view, int32_t ky, int8_t *bytes);

// The bytes of a row of the window, in place or in `bytes`.
static inline const int8_t *tk_view_row(const tk_window *window, int8_t pad_value,
                                        const int8_t *src, const tk_view *view, int32_t ky,
                                        int8_t *bytes)
{
    if (view->first) {
        return view->first + ky * view->row_step;
    }
    tk_gather_row(window, pad_value, src, view, ky, bytes);
    return bytes;
}

// Goes through output positions in the window's direction; steps count from 0, see tk_turn.
typedef struct {
    uint32_t y_step, x_step;
    uint32_t left; // positions, this one included
    uint32_t y, x;
} tk_places;

static inline tk_places tk_first_place(const tk_window *window)
{
    return (tk_places){
        .left = (uint32_t)window->out_height * window->out_width,
        .y = tk_turn(window, 0, window->out_height),
        .x = tk_turn(window, 0, window->out_width),
    };
}

// Behind the last position it stays there, so that a tile may compute it again.
static inline void tk_next_place(const tk_window *window, tk_places *at)
{
    if (at->left > 1) {
        at->x_step++;
        if (at->x_step == window->out_width) {
            at->x_step = 0;
            at->y_step++;
        }
        at->y = tk_turn(window, at->y_step, window->out_height);
        at->x = tk_turn(window, at->x_step, window->out_width);
    }
    at->left -= at->left > 0;
}

#endif
