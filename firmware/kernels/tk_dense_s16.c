// FULLY_CONNECTED of int16 values, and the product of one column of a convolution.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_s16.h"

#define MOST_PRODUCTS 256u // of 2^22 each: their sum fits 32 bits, which is fast

static int32_t dot(const int8_t *weights, const tk_s16 *src, uint32_t count)
{
    int32_t sum = 0;
    while (count-- > 0) {
        sum += *weights++ * *src++;
    }
    return sum;
}

void tk_dense_s16(const tk_dense_s16_layer *layer, const void *src, void *dst)
{
    const int8_t *weights = layer->weights;
    tk_s16 *out = dst;
    for (uint32_t channel = 0; channel < layer->out.channels; channel++) {
        const tk_s16 *values = src;
        int64_t sum = layer->bias[channel];
        for (uint32_t left = layer->inputs; left > 0;) {
            const uint32_t part = left < MOST_PRODUCTS ? left : MOST_PRODUCTS;
            sum += dot(weights, values, part);
            weights += part;
            values += part;
            left -= part;
        }
        out[channel] = tk_finish_s16(&layer->out, channel, sum);
    }
}
