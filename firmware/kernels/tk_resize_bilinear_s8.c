// RESIZE_BILINEAR, in steps of 1/1024 of a place.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

#define ONE 1024

// An output place lies between two of the input, `distance` from the first.
typedef struct {
    int32_t low, high, distance;
} tk_between;

static tk_between between(const tk_resize_layer *layer, int32_t index, int32_t step, int32_t length)
{
    const int32_t at = index * step + (layer->half_pixel ? step / 2 - ONE / 2 : 0);
    const int32_t low = at > 0 ? at / ONE : 0;
    const int32_t high = (at + ONE - 1) / ONE;
    return (tk_between){low, high < length ? high : length - 1, at - low * ONE};
}

// Halves go away from zero. A place outside of the image has equal neighbours, so the weights may
// be beyond 0 .. 1024, but the sum is not.
static int8_t mixed(int32_t sum)
{
    const int32_t half = sum > 0 ? ONE * ONE / 2 : -(ONE * ONE / 2);
    return (int8_t)((sum + half) / (ONE * ONE));
}

static void mix_row(const tk_resize_layer *layer, const tk_between *row, const int8_t *src,
                    int8_t *dst)
{
    const int32_t channels = layer->channels;
    const int8_t *above = src + row->low * layer->in_width * channels;
    const int8_t *below = src + row->high * layer->in_width * channels;
    for (int32_t x = 0; x < layer->out_width; x++) {
        const tk_between column = between(layer, x, layer->column_step, layer->in_width);
        for (int32_t c = 0; c < channels; c++) {
            const int32_t left = column.low * channels + c;
            const int32_t right = column.high * channels + c;
            const int32_t wide = ONE - column.distance;
            const int32_t upper = above[left] * wide + above[right] * column.distance;
            const int32_t lower = below[left] * wide + below[right] * column.distance;
            *dst++ = mixed(upper * (ONE - row->distance) + lower * row->distance);
        }
    }
}

void tk_resize_bilinear_s8(const tk_resize_layer *layer, const int8_t *src, int8_t *dst)
{
    for (uint32_t batch = 0; batch < layer->batch; batch++) {
        for (int32_t y = 0; y < layer->out_height; y++) {
            const tk_between row = between(layer, y, layer->row_step, layer->in_height);
            mix_row(layer, &row, src, dst);
            dst += layer->out_width * layer->channels;
        }
        src += layer->in_height * layer->in_width * layer->channels;
    }
}
