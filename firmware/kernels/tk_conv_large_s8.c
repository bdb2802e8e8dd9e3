// The same for sums too large for tk_tile_s8.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_conv_packed.h"

void tk_conv_large_s8(const tk_conv_packed_layer *layer, const int8_t *src, int8_t *dst,
                      int8_t *scratch)
{
    tk_conv_packed(layer, tk_tile_large_s8, src, dst, scratch);
}
