// FULLY_CONNECTED, and the product of one column of a convolution: four rows at a time.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_inline.h"
#include "tk_quads.h"

static int32_t dot(const int8_t *weights, const int8_t *src, uint32_t count, int32_t sum)
{
    for (; count > 0; count--) {
        sum += *weights++ * *src++;
    }
    return sum;
}

// Few layers need it, and it is long.
TK_APART void finish(const tk_output *out, uint32_t channel, int32_t sum, int8_t *dst)
{
    dst[channel] = tk_finish(out, channel, sum);
}

static void quad(const tk_dense_layer *layer, const int8_t *src, uint32_t channel, int8_t *dst)
{
    int32_t sums[TK_QUAD];
    __builtin_memcpy(sums, layer->bias + channel, sizeof sums);
    if (layer->inputs > 0) { // a phase of a transposed convolution may have none
        tk_quad_sums_s8(layer->weights + channel * layer->inputs, src, layer->inputs, sums);
    }
    if (layer->out.plain) {
        tk_finish_quad_s8(sums, &layer->out, channel, dst + channel);
        return;
    }
    for (uint32_t i = 0; i < TK_QUAD; i++) {
        finish(&layer->out, channel + i, sums[i], dst);
    }
}

static void single(const tk_dense_layer *layer, const int8_t *src, uint32_t channel, int8_t *dst)
{
    const int8_t *weights = layer->weights + channel * layer->inputs;
    finish(&layer->out, channel, dot(weights, src, layer->inputs, layer->bias[channel]), dst);
}

void tk_dense_s8(const tk_dense_layer *layer, const int8_t *src, int8_t *dst)
{
    const uint32_t channels = layer->out.channels;
    if (channels < TK_QUAD) {
        for (uint32_t channel = 0; channel < channels; channel++) {
            single(layer, src, channel, dst);
        }
        return;
    }
    const uint32_t last = channels - TK_QUAD; // of these four some may be done already
    for (uint32_t channel = 0; channel < channels; channel += TK_QUAD) {
        quad(layer, src, channel < last ? channel : last, dst);
    }
}
