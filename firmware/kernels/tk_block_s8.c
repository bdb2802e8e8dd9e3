// The same products as tk_dense_s8, of blocks of four weights that are not all zero.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

void tk_block_s8(const tk_sparse_layer *layer, const int8_t *src, int8_t *dst)
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
        for (uint32_t start = 0; start < inputs; start += TK_BLOCK * TK_SPARSE_SEGMENT) {
            // 9 loads and 4 multiply-accumulates for each block
            for (const uint8_t *end = indices + *counts++; indices < end; weights += TK_BLOCK) {
                const int8_t *block = src + start + TK_BLOCK * *indices++;
                sum += weights[0] * block[0] + weights[1] * block[1];
                sum += weights[2] * block[2] + weights[3] * block[3];
            }
        }
        dst[channel] = tk_finish(&out, channel, sum);
    }
}
