// The contract of the inner products of FULLY_CONNECTED with sparse weights, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_SPARSE_ROWS_H
#define TK_SPARSE_ROWS_H

#include "tk_dsp.h"
#include "tk_inline.h"

// Passed by value, so that the assembly finds it on the stack.
typedef struct {
    const int8_t *end; // of the inputs
    const int32_t *bias;
    int8_t *dst;
    const int8_t *last; // end of the outputs
    const int32_t *multiplier;
    const int8_t *shift;
    uint32_t step; // from one row's scale to the next: 1, or 0 if all have one
    int32_t zero;  // 2 * the output's zero point + 1
} tk_sparse_rows;

// Computes all outputs, at least one, clipped to int8.
//
//     weights, indices, counts  as in tk_sparse_layer
//     src                       the inputs, at least one
typedef void tk_sparse_kernel(const int8_t *weights, const uint8_t *indices, const uint8_t *counts,
                              const int8_t *src, tk_sparse_rows rows);
tk_sparse_kernel tk_sparse_rows_s8;
tk_sparse_kernel tk_block_rows_s8; // blocks of TK_BLOCK weights

TK_INLINE void tk_sparse_plain(const tk_sparse_layer *layer, tk_sparse_kernel *kernel,
                               const int8_t *src, int8_t *dst)
{
    const tk_output *out = &layer->out;
    const tk_sparse_rows rows = {
        .end = src + layer->inputs,
        .bias = layer->bias,
        .dst = dst,
        .last = dst + out->channels,
        .multiplier = out->multiplier,
        .shift = out->shift,
        .step = out->scales > 1,
        .zero = 2 * out->zero + 1,
    };
    kernel(layer->weights, layer->indices, layer->counts, src, rows);
    if (out->min > INT8_MIN || out->max < INT8_MAX) {
        tk_clip_channels(out, dst);
    }
}

#endif
