// The taps of a depthwise filter at one output position, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TAPS_H
#define TK_TAPS_H

#include "tk_window.h"

// The taps that lie inside of the image, the same for all channels. Taps outside count as the
// input's zero point and so add nothing. Distances between values are in bytes.
typedef struct {
    const int8_t *values; // channel 0 of the first tap
    const int8_t *weights;
    int32_t rows, columns;
    int32_t pixel;                 // from one tap of a row to the next
    int32_t value_row, weight_row; // from behind one row of taps to the next row
    int32_t channels;              // from the weights of one tap to the next
    int32_t zero;
} tk_taps;

static inline tk_taps tk_taps_at(const tk_window *window, const int8_t *weights, int32_t channels,
                                 int32_t zero, const int8_t *src, const tk_span *rows,
                                 const tk_span *columns)
{
    const int32_t count = columns->end - columns->begin;
    const int32_t pixel = window->channels * window->dilation_width;
    const int32_t image_row = window->in_width * window->channels * window->dilation_height;
    const int32_t first = rows->begin * window->kernel_width + columns->begin;
    return (tk_taps){
        .values = tk_tap(window, src, rows, columns, rows->begin, columns->begin),
        .weights = weights + first * channels,
        .rows = rows->end - rows->begin,
        .columns = count,
        .pixel = pixel,
        .value_row = image_row - count * pixel,
        .weight_row = (window->kernel_width - count) * channels,
        .channels = channels,
        .zero = zero,
    };
}

#endif
