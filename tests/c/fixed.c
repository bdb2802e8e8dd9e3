// Answers questions about tk_fixed.h: value, multiplier and shift from stdin, and to stdout the
// high multiply, the rounding shift by |shift|, and the rescaled value.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

#include <stdio.h>

int main(void)
{
    int32_t question[3];
    while (fread(question, sizeof question, 1, stdin) == 1) {
        const int32_t value = question[0];
        const int32_t shift = question[2];
        const int32_t answers[3] = {
            tk_high_multiply(value, question[1]),
            tk_round_shift(value, (uint32_t)(shift < 0 ? -shift : shift)),
            tk_rescale(value, question[1], shift),
        };
        fwrite(answers, sizeof answers, 1, stdout);
    }
    return 0;
}
