// The same for sums too large for tk_rows_s8.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_dense_packed.h"

void tk_dense_large_s8(const tk_dense_packed_layer *layer, const int8_t *src, int8_t *dst,
                       int8_t *scratch)
{
    tk_dense_packed(layer, tk_rows_large_s8, src, dst, scratch);
}
