// Reading a window that sticks out of the image, or is dilated.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_view.h"

static int8_t *fill(int8_t *bytes, int8_t value, int32_t count)
{
    for (; count > 0; count--) {
        *bytes++ = value;
    }
    return bytes;
}

static int8_t *copy(int8_t *bytes, const int8_t *src, int32_t count)
{
    for (; count > 0; count--) {
        *bytes++ = *src++;
    }
    return bytes;
}

tk_view tk_view_across(const tk_window *window, uint32_t y, uint32_t x)
{
    return (tk_view){.rows = tk_rows(window, y), .columns = tk_columns(window, x)};
}

void tk_gather_row(const tk_window *window, int8_t pad_value, const int8_t *src,
                   const tk_view *view, int32_t ky, int8_t *bytes)
{
    const int32_t channels = window->channels;
    const tk_span *columns = &view->columns;
    if (ky < view->rows.begin || ky >= view->rows.end || columns->begin >= columns->end) {
        fill(bytes, pad_value, window->kernel_width * channels);
        return;
    }
    const int8_t *tap = tk_tap(window, src, &view->rows, columns, ky, columns->begin);
    bytes = fill(bytes, pad_value, columns->begin * channels);
    if (window->dilation_width == 1) {
        bytes = copy(bytes, tap, (columns->end - columns->begin) * channels);
    } else {
        for (int32_t kx = columns->begin; kx < columns->end; kx++) {
            bytes = copy(bytes, tap, channels);
            tap += window->dilation_width * channels;
        }
    }
    fill(bytes, pad_value, (window->kernel_width - columns->end) * channels);
}
