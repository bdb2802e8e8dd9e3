// Widening bytes to the pairs that the packed kernels multiply.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_dsp.h"

// 9 instructions for four bytes.
uint32_t *tk_widen(const int8_t *src, uint32_t count, uint32_t *pairs, uint32_t step)
{
    for (; count >= 4; count -= 4, src += 4, pairs += 2 * step) {
        const uint32_t word = tk_load_word(src);
        pairs[0] = tk_even_bytes(word);
        pairs[step] = tk_odd_bytes(word);
    }
    if (count > 0) {
        uint32_t word = 0;
        while (count-- > 0) {
            word = (word << 8) | (uint8_t)src[count];
        }
        pairs[0] = tk_even_bytes(word);
        pairs[step] = tk_odd_bytes(word);
        pairs += 2 * step;
    }
    return pairs;
}

uint32_t *tk_fill_pairs(int8_t value, uint32_t count, uint32_t *pairs, uint32_t step)
{
    for (uint32_t i = 0; i < (count + 3) / 4 * 2; i++, pairs += step) {
        *pairs = tk_pair(value, value);
    }
    return pairs;
}
