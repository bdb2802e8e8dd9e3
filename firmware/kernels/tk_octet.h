// Eight output positions of a convolution at a time, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_OCTET_H
#define TK_OCTET_H

#include "tk_dsp.h"
#include "tk_view.h"

#define TK_OCTET 8

// Copies what the next eight positions read, for each input a row of its bytes at the eight, and
// moves `at` behind them; behind the last position it is taken again.
//
//     columns  for the bytes, at a multiple of 4; behind them 4 rows of the window's bytes, unless
//              all are read in place
//     outputs  becomes where each position's output begins, of `channels` bytes each
void tk_fill_octet(const tk_window *window, int8_t pad_value, const int8_t *src, tk_places *at,
                   int8_t *columns, int8_t *dst, uint32_t channels, int8_t **outputs);

#endif
