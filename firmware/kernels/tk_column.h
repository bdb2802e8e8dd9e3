// Filling a column of a tile, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_COLUMN_H
#define TK_COLUMN_H

#include "tk_view.h"

// Fills a column, if need be by way of `copy`; weights of zero see what fills its last group up. A
// function of its own, since its stack is not needed while a tile is computed.
void tk_tile_fill_column(const tk_conv_packed_layer *layer, const int8_t *src, const tk_places *at,
                         uint32_t *column, int8_t *copy);

#endif
