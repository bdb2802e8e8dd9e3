// LOGISTIC and TANH of int16 values.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_s16.h"
#include "tk_sigmoid.h"

void tk_logistic_s16(const tk_curve_s16_layer *layer, const void *src, void *dst)
{
    const tk_s16 *in = src;
    tk_s16 *out = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        const int32_t argument = tk_table_argument(in[i], layer->multiplier, layer->shift);
        out[i] = (int16_t)tk_logistic_q15(argument);
    }
}

void tk_tanh_s16(const tk_curve_s16_layer *layer, const void *src, void *dst)
{
    const tk_s16 *in = src;
    tk_s16 *out = dst;
    for (uint32_t i = 0; i < layer->count; i++) {
        const int32_t argument = tk_table_argument(in[i], layer->multiplier, layer->shift);
        out[i] = (int16_t)tk_tanh_q15(argument);
    }
}
