// Walking a window over an image, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_WINDOW_H
#define TK_WINDOW_H

#include "tk_kernels.h"

// The part of a window that lies inside of the image, along one axis: taps begin <= k < end, and
// the image position of tap 0, which may lie outside.
typedef struct {
    int32_t origin;
    int32_t begin, end;
} tk_span;

static inline tk_span tk_clip(int32_t origin, int32_t taps, int32_t dilation, int32_t length)
{
    tk_span span = {.origin = origin, .begin = 0, .end = taps};
    while (span.begin < taps && origin + span.begin * dilation < 0) {
        span.begin++;
    }
    while (span.end > span.begin && origin + (span.end - 1) * dilation >= length) {
        span.end--;
    }
    return span;
}

static inline tk_span tk_rows(const tk_window *window, uint32_t out_y)
{
    const int32_t origin = (int32_t)(out_y * window->stride_height) - window->pad_height;
    return tk_clip(origin, window->kernel_height, window->dilation_height, window->in_height);
}

static inline tk_span tk_columns(const tk_window *window, uint32_t out_x)
{
    const int32_t origin = (int32_t)(out_x * window->stride_width) - window->pad_width;
    return tk_clip(origin, window->kernel_width, window->dilation_width, window->in_width);
}

// The channels of the image at tap (ky, kx), which must lie inside.
static inline const int8_t *tk_tap(const tk_window *window, const int8_t *src, const tk_span *rows,
                                   const tk_span *columns, int32_t ky, int32_t kx)
{
    const int32_t y = rows->origin + ky * window->dilation_height;
    const int32_t x = columns->origin + kx * window->dilation_width;
    return src + (y * window->in_width + x) * window->channels;
}

// The row or column of an output that comes next: step counts from 0. The planner may lay an output
// over its input, which is safe in one direction only.
static inline uint32_t tk_turn(const tk_window *window, uint32_t step, uint32_t count)
{
    return window->backward ? count - 1 - step : step;
}

// Copies the window at (out_y, out_x) into `column`, taps outside of the image as `pad_value`, and
// returns it. A 1x1 window without padding is returned where it lies.
const int8_t *tk_gather(const tk_window *window, int8_t pad_value, const int8_t *src,
                        uint32_t out_y, uint32_t out_x, int8_t *column);

#endif
