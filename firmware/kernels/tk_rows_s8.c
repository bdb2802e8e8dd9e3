// The portable twin of tk_rows_s8.S: the inner product of FULLY_CONNECTED.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_rows.h"

#if !TK_DSP
static const uint32_t *add_block(const uint32_t *weights, const int8_t *column, const int8_t *end,
                                 int32_t *sums)
{
    for (; column < end; column += 4) {
        const uint32_t word = tk_load_word(column);
        const uint32_t inputs[2] = {tk_even_bytes(word), tk_odd_bytes(word)};
        for (uint32_t i = 0; i < 4; i++, weights++) {
            int32_t *sum = sums + 2 * (i % 2);
            sum[0] = tk_dot(tk_even_bytes(*weights), inputs[i / 2], sum[0]);
            sum[1] = tk_dot_around(*weights, inputs[i / 2], sum[1]);
        }
    }
    return weights;
}

void tk_rows_s8(const uint32_t *weights, const int8_t *column, const int8_t *end, tk_rows rows)
{
    while (rows.dst < rows.last) {
        int32_t sums[TK_ROWS];
        __builtin_memcpy(sums, rows.bias, sizeof sums);
        weights = add_block(weights, column, end, sums);
        sums[1] = tk_part(sums[1], sums[0]);
        sums[3] = tk_part(sums[3], sums[2]);
        tk_rows_finish(&rows, sums);
    }
}
#endif
