// FULLY_CONNECTED with dense weights on a core with DSP instructions, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_DENSE_PACKED_H
#define TK_DENSE_PACKED_H

#include "tk_inline.h"
#include "tk_rows.h"

TK_INLINE void tk_dense_packed(const tk_dense_packed_layer *layer, tk_rows_kernel *kernel,
                               const int8_t *src, int8_t *dst, int8_t *scratch)
{
    const tk_output *out = &layer->out;
    const uint32_t inputs = (layer->inputs + 3u) / 4u * 4u;
    if (inputs > layer->inputs) {
        for (uint32_t i = 0; i < inputs; i++) {
            scratch[i] = i < layer->inputs ? src[i] : 0;
        }
        src = scratch;
    }
    const tk_rows rows = {
        .bias = layer->bias,
        .multiplier = out->multiplier,
        .shift = out->shift,
        .step = out->scales > 1,
        .dst = dst,
        .last = dst + out->channels,
        .zero = 2 * out->zero + 1,
    };
    kernel(layer->weights, src, src + inputs, rows);
    if (out->min > INT8_MIN || out->max < INT8_MAX) {
        tk_clip_channels(out, dst);
    }
}

#endif
