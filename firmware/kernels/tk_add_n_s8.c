// ADD_N: the sum of several tensors.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_total.h"

void tk_add_n_s8(const tk_add_n_layer *layer, const int8_t *a, const int8_t *b, const int8_t *c,
                 const int8_t *d, const int8_t *e, const int8_t *f, const int8_t *g,
                 const int8_t *h, int8_t *dst)
{
    const int8_t *const terms[TK_TERMS] = {a, b, c, d, e, f, g, h};
    for (uint32_t i = 0; i < layer->count; i++) {
        int32_t sum = 0;
        for (uint32_t term = 0; term < layer->terms; term++) {
            sum += terms[term][i] - layer->total.in_zero;
        }
        dst[i] = tk_finish_total(&layer->total, (uint32_t)sum);
    }
}
