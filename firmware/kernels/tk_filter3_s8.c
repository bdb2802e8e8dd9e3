// The portable twin of tk_filter3_s8.S: a 3x3 filter over the rows of a channel.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_filter3.h"

#if !TK_DSP
static int32_t sum_of_row(const uint32_t *taps, const int16_t *row, int32_t sum)
{
    return tk_dot(tk_load_word(row), taps[0], sum) + row[2] * tk_high(taps[1]);
}

void tk_filter3_s8(const tk_filter3 *filter, const int16_t *top, const int16_t *centre,
                   const int16_t *bottom, const tk_filter3_rows *rows)
{
    const uint32_t step = rows->row_step / sizeof *top;
    const uint32_t reach = rows->reach / sizeof *top;
    int8_t *dst = rows->dst;
    for (uint32_t row = 0; row < rows->rows; row++) {
        for (uint32_t x = 0; x < reach; x += rows->stride, dst += rows->step) {
            int32_t sum = sum_of_row(filter->taps, top + x, filter->bias);
            sum = sum_of_row(filter->taps + 2, centre + x, sum);
            sum = sum_of_row(filter->taps + 4, bottom + x, sum);
            *dst = tk_finish_twice(sum, filter->multiplier, filter->shift, filter->half);
        }
        top += step;
        centre += step;
        bottom += step;
    }
}
#endif
