// FULLY_CONNECTED with weights in blocks of four and plain outputs, for cores with DSP
// instructions.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_sparse_rows.h"

void tk_block_plain_s8(const tk_sparse_layer *layer, const int8_t *src, int8_t *dst)
{
    tk_sparse_plain(layer, tk_block_rows_s8, src, dst);
}
