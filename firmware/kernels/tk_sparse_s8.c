// The same products as tk_dense_s8, of the weights that are not zero only.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

void tk_sparse_s8(const tk_sparse_layer *layer, const int8_t *src, int8_t *dst)
{
    // what lies in registers cannot be changed by a store to dst
    const tk_output out = layer->out;
    const uint32_t inputs = layer->inputs;
    const int32_t *bias = layer->bias;
    const int8_t *weights = layer->weights;
    const uint8_t *indices = layer->indices;
    const uint8_t *counts = layer->counts;
    for (uint32_t channel = 0; channel < out.channels; channel++) {
        int32_t sum = *bias++;
        for (uint32_t start = 0; start < inputs; start += TK_SPARSE_SEGMENT) {
            // 3 loads, a multiply-accumulate and 2 instructions of loop for each weight
            for (const uint8_t *end = indices + *counts++; indices < end; indices++) {
                sum += *weights++ * src[start + *indices];
            }
        }
        dst[channel] = tk_finish(&out, channel, sum);
    }
}
