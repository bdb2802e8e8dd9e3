// FULLY_CONNECTED, and the product of one column of a convolution.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

// Four products a turn: 8 loads, 4 multiply-accumulates and 3 instructions of loop, 3.75 a product.
static int32_t dot(const int8_t *weights, const int8_t *src, uint32_t count, int32_t sum)
{
    for (; count >= 4; count -= 4, weights += 4, src += 4) {
        sum += weights[0] * src[0];
        sum += weights[1] * src[1];
        sum += weights[2] * src[2];
        sum += weights[3] * src[3];
    }
    for (; count > 0; count--) {
        sum += *weights++ * *src++;
    }
    return sum;
}

void tk_dense_s8(const tk_dense_layer *layer, const int8_t *src, int8_t *dst)
{
    const int8_t *weights = layer->weights;
    for (uint32_t channel = 0; channel < layer->out.channels; channel++) {
        const int32_t sum = dot(weights, src, layer->inputs, layer->bias[channel]);
        dst[channel] = tk_finish(&layer->out, channel, sum);
        weights += layer->inputs;
    }
}
