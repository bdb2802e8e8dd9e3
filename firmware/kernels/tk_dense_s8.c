// FULLY_CONNECTED, and the product of one column of a convolution: four rows at a time where the
// outputs are plain, what is left row by row.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_quads.h"

static int32_t dot(const int8_t *weights, const int8_t *src, uint32_t count, int32_t sum)
{
    for (; count > 0; count--) {
        sum += *weights++ * *src++;
    }
    return sum;
}

void tk_dense_s8(const tk_dense_layer *layer, const int8_t *src, int8_t *dst)
{
    const tk_output *out = &layer->out;
    const uint32_t inputs = layer->inputs;
    const int8_t *weights = layer->weights;
    uint32_t channel = 0;
    for (; out->plain && channel + TK_QUAD <= out->channels; channel += TK_QUAD) {
        int32_t sums[TK_QUAD];
        __builtin_memcpy(sums, layer->bias + channel, sizeof sums);
        tk_quad_sums_s8(weights, src, inputs, sums);
        tk_finish_quad_s8(sums, out, channel, dst + channel);
        weights += TK_QUAD * inputs;
    }
    for (; channel < out->channels; channel++, weights += inputs) {
        const int32_t sum = dot(weights, src, inputs, layer->bias[channel]);
        dst[channel] = tk_finish(out, channel, sum);
    }
}
