// CONV_2D with weights in blocks on a core with DSP instructions: four output positions at a time.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_conv_packed.h"

void tk_conv_block_tile_s8(const tk_conv_packed_layer *layer, const int8_t *src, int8_t *dst,
                           int8_t *scratch)
{
    tk_conv_packed(layer, tk_tile_blocks_s8, src, dst, scratch);
}
