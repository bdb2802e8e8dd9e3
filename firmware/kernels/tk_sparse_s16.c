// The same products as tk_dense_s16, of the weights that are not zero only.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_s16.h"

void tk_sparse_s16(const tk_sparse_s16_layer *layer, const void *src, void *dst)
{
    const tk_s16 *values = src;
    const int8_t *weights = layer->weights;
    const uint8_t *indices = layer->indices;
    const uint8_t *counts = layer->counts;
    tk_s16 *out = dst;
    for (uint32_t channel = 0; channel < layer->out.channels; channel++) {
        int64_t sum = layer->bias[channel];
        for (uint32_t start = 0; start < layer->inputs; start += TK_SPARSE_SEGMENT) {
            int32_t part = 0; // of at most 255 products of 2^22 each
            for (const uint8_t *end = indices + *counts++; indices < end; indices++) {
                part += *weights++ * values[start + *indices];
            }
            sum += part;
        }
        out[channel] = tk_finish_s16(&layer->out, channel, sum);
    }
}
