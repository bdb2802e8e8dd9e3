// The contract of turning runs of four positions into columns, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_INTERLEAVE_H
#define TK_INTERLEAVE_H

#include "tk_dsp.h"

// Copies `count` bytes, at least one, of each of four rows: those of one place to four neighbours,
// the next ones 8 bytes behind. `column` lies at a multiple of 4; returns where the next ones go.
int8_t *tk_interleave_s8(const int8_t *const *rows, uint32_t count, int8_t *column);

#endif
