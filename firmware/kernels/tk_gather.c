// Gathers the inputs of one output position of a convolution.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_window.h"

static int8_t *fill(int8_t *column, int8_t value, int32_t count)
{
    while (count-- > 0) {
        *column++ = value;
    }
    return column;
}

static int8_t *copy(int8_t *column, const int8_t *src, int32_t count)
{
    while (count-- > 0) {
        *column++ = *src++;
    }
    return column;
}

const int8_t *tk_gather(const tk_window *window, int8_t pad_value, const int8_t *src,
                        uint32_t out_y, uint32_t out_x, int8_t *column)
{
    const tk_span rows = tk_rows(window, out_y);
    const tk_span columns = tk_columns(window, out_x);
    const int32_t channels = window->channels;
    const int32_t row_bytes = window->kernel_width * channels;
    if (row_bytes == channels && window->kernel_height == 1 && rows.end > 0 && columns.end > 0) {
        return tk_tap(window, src, &rows, &columns, 0, 0);
    }
    int8_t *end = fill(column, pad_value, rows.begin * row_bytes);
    for (int32_t ky = rows.begin; ky < rows.end; ky++) {
        end = fill(end, pad_value, columns.begin * channels);
        if (window->dilation_width == 1) {
            const int8_t *run = tk_tap(window, src, &rows, &columns, ky, columns.begin);
            end = copy(end, run, (columns.end - columns.begin) * channels);
        } else {
            for (int32_t kx = columns.begin; kx < columns.end; kx++) {
                end = copy(end, tk_tap(window, src, &rows, &columns, ky, kx), channels);
            }
        }
        end = fill(end, pad_value, (window->kernel_width - columns.end) * channels);
    }
    fill(end, pad_value, (window->kernel_height - rows.end) * row_bytes);
    return column;
}
