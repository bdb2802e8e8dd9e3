// CUMSUM of floats: running sums along an axis, each number added as TFLM adds it.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_wide.h"

static void sum_line(const tk_lines *lines, const int8_t *src, int8_t *dst, int32_t step)
{
    float sum = 0.0f;
    int32_t at = 0;
    for (uint32_t i = 0; i < lines->count; i++, at += step) {
        const float before = sum;
        sum += tk_load_f32(src + at);
        tk_store_f32(dst + at, lines->exclusive ? before : sum);
    }
}

void tk_cumsum_f32(const tk_lines *layer, const void *src, void *dst)
{
    const int8_t *from = src;
    int8_t *to = dst;
    const uint32_t width = 4 * layer->inner;
    const int32_t step = layer->reverse ? -(int32_t)width : (int32_t)width;
    const uint32_t first = layer->reverse ? (layer->count - 1) * width : 0;
    for (uint32_t outer = 0; outer < layer->outer; outer++) {
        const uint32_t start = outer * layer->count * width + first;
        for (uint32_t byte = 0; byte < width; byte += 4) {
            sum_line(layer, from + start + byte, to + start + byte, step);
        }
    }
}
