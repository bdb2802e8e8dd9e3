// Copies what eight output positions of a convolution read, each input's eight bytes together.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_octet.h"
#include "tk_interleave.h"

#define HALF 4

// Four positions, and where the rows of their windows lie.
typedef struct {
    const int8_t *row[HALF];
    int32_t step[HALF]; // from a row to the next; 0 if each is gathered
    tk_view view[HALF];
} tk_reads;

// Where the window's first row lies if all are read in place, else null.
static const int8_t *inside(const tk_window *window, const int8_t *src, uint32_t y, uint32_t x)
{
    const int32_t top = (int32_t)(y * window->stride_height) - window->pad_height;
    const int32_t left = (int32_t)(x * window->stride_width) - window->pad_width;
    const int32_t reach = (window->kernel_height - 1) * window->dilation_height;
    if (window->dilation_width > 1 || top < 0 || left < 0 || top + reach >= window->in_height ||
        left + window->kernel_width > window->in_width) {
        return 0;
    }
    return src + (top * window->in_width + left) * window->channels;
}

static void look(const tk_window *window, const int8_t *src, uint32_t y, uint32_t x,
                 const int8_t *bytes, tk_reads *reads, uint32_t i)
{
    const int8_t *first = inside(window, src, y, x);
    reads->row[i] = first ? first : bytes;
    reads->step[i] = first ? window->in_width * window->channels * window->dilation_height : 0;
    if (!first) {
        reads->view[i] = tk_view_across(window, y, x);
    }
}

static void fill(const tk_window *window, int8_t pad_value, const int8_t *src, tk_reads *reads,
                 uint32_t run, int8_t *bytes, int8_t *column)
{
    for (int32_t ky = 0; ky < window->kernel_height; ky++) {
        for (uint32_t i = 0; i < HALF; i++) {
            if (reads->step[i] == 0) {
                tk_gather_row(window, pad_value, src, &reads->view[i], ky, bytes + i * run);
            }
        }
        column = tk_interleave_s8(reads->row, run, column);
        for (uint32_t i = 0; i < HALF; i++) {
            reads->row[i] += reads->step[i];
        }
    }
}

void tk_fill_octet(const tk_window *window, int8_t pad_value, const int8_t *src, tk_places *at,
                   int8_t *columns, int8_t *dst, uint32_t channels, int8_t **outputs)
{
    const uint32_t run = (uint32_t)window->kernel_width * window->channels;
    int8_t *bytes = columns + TK_OCTET * run * window->kernel_height;
    for (uint32_t first = 0; first < TK_OCTET; first += HALF) {
        tk_reads reads;
        for (uint32_t i = 0; i < HALF; i++) {
            look(window, src, at->y, at->x, bytes + i * run, &reads, i);
            *outputs++ = dst + (at->y * window->out_width + at->x) * channels;
            tk_next_place(window, at);
        }
        fill(window, pad_value, src, &reads, run, bytes, columns + first);
    }
}
