// The portable twin of tk_interleave_s8.S: turns runs of four positions into columns.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_interleave.h"

#if !TK_DSP
int8_t *tk_interleave_s8(const int8_t *const *rows, uint32_t count, int8_t *column)
{
    for (uint32_t i = 0; i < count; i++, column += 8) {
        for (uint32_t row = 0; row < 4; row++) {
            column[row] = rows[row][i];
        }
    }
    return column;
}
#endif
