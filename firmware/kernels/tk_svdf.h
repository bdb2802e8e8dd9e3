// What both widths of SVDF share, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_SVDF_H
#define TK_SVDF_H

#include "tk_fixed.h"

// The value of one filter for the newest input, before it saturates to the state's width.
static inline int32_t tk_svdf_feature(const tk_svdf_features *filters, uint32_t filter,
                                      const int8_t *src)
{
    const int8_t *weights = filters->features + filter * filters->inputs;
    int32_t sum = filters->feature_bias[filter];
    for (uint32_t i = 0; i < filters->inputs; i++) {
        sum += weights[i] * src[i];
    }
    return tk_rescale(sum, filters->feature_multiplier, filters->feature_shift);
}

static inline int8_t tk_svdf_finish(const tk_svdf_features *filters, uint32_t sum)
{
    const int32_t scaled = tk_rescale((int32_t)sum, filters->multiplier, filters->shift);
    return tk_clamp(scaled + filters->out_zero, INT8_MIN, INT8_MAX);
}

#endif
