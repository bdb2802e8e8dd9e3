// FULLY_CONNECTED with dense weights on a core with DSP instructions: four outputs at a time.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_rows.h"

// How one sum is scaled; a scale for all is worked out once.
typedef struct {
    int32_t multiplier;
    uint32_t shift;
    int32_t half;
} scale;

static inline scale scale_at(const tk_output *out, uint32_t channel)
{
    const uint32_t shift = (uint32_t)-out->shift[channel];
    return (scale){out->multiplier[channel], shift, tk_half(shift, out->zero)};
}

void tk_dense_packed_s8(const tk_dense_packed_layer *layer, const int8_t *src, int8_t *dst,
                        int8_t *scratch)
{
    const uint32_t inputs = (layer->inputs + 3u) / 4u * 4u;
    const int8_t *column = src;
    if (inputs > layer->inputs) {
        column = scratch;
        __builtin_memcpy(scratch, src, layer->inputs);
        __builtin_memset(scratch + layer->inputs, 0, inputs - layer->inputs);
    }
    // what lies in registers cannot be changed by a store to dst
    const tk_output out = layer->out;
    const uint32_t *weights = layer->weights;
    const int32_t *bias = layer->bias;
    scale by = scale_at(&out, 0);
    for (uint32_t first = 0; first < out.channels; first += TK_ROWS) {
        int32_t sums[TK_ROWS];
        __builtin_memcpy(sums, bias + first, sizeof sums);
        weights = tk_rows_s8(weights, column, column + inputs, sums);
        for (uint32_t i = first; i < first + TK_ROWS && i < out.channels; i++) {
            if (out.scales > 1) {
                by = scale_at(&out, i);
            }
            const int8_t value = tk_finish_plain(sums[i - first], by.multiplier, by.shift, by.half);
            dst[i] = tk_clamp(value, out.min, out.max);
        }
    }
}
