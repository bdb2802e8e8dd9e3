// FULLY_CONNECTED with sparse weights and plain outputs, for cores with DSP instructions.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_sparse_rows.h"

void tk_sparse_plain_s8(const tk_sparse_layer *layer, const int8_t *src, int8_t *dst)
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
    tk_sparse_rows_s8(layer->weights, layer->indices, layer->counts, src, rows);
    if (out->min > INT8_MIN || out->max < INT8_MAX) {
        tk_clip_channels(out, dst);
    }
}
