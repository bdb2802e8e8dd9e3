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

// The output position behind another one; steps count from 0, see tk_turn.
typedef struct {
    uint32_t y, x;
} tk_place;

static inline tk_place tk_next_place(const tk_window *window, tk_place at)
{
    at.x++;
    if (at.x == window->out_width) {
        at.x = 0;
        at.y++;
    }
    return at;
}

static inline void tk_clip_channels(const tk_output *out, int8_t *dst)
{
    for (uint32_t channel = 0; channel < out->channels; channel++) {
        dst[channel] = tk_clamp(dst[channel], out->min, out->max);
    }
}

#endif
