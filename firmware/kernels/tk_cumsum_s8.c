// CUMSUM: running sums along an axis.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_total.h"

static void sum_line(const tk_cumsum_layer *layer, const int8_t *src, int8_t *dst, int32_t step)
{
    uint32_t sum = 0;
    int32_t at = 0;
    for (uint32_t i = 0; i < layer->lines.count; i++, at += step) {
        const uint32_t before = sum;
        sum += (uint32_t)(src[at] - layer->total.in_zero);
        dst[at] = tk_finish_total(&layer->total, layer->lines.exclusive ? before : sum);
    }
}

void tk_cumsum_s8(const tk_cumsum_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_lines *lines = &layer->lines;
    const int32_t step = lines->reverse ? -(int32_t)lines->inner : (int32_t)lines->inner;
    const uint32_t first = lines->reverse ? (lines->count - 1) * lines->inner : 0;
    for (uint32_t outer = 0; outer < lines->outer; outer++) {
        const uint32_t start = outer * lines->count * lines->inner + first;
        for (uint32_t inner = 0; inner < lines->inner; inner++) {
            sum_line(layer, src + start + inner, dst + start + inner, step);
        }
    }
}
