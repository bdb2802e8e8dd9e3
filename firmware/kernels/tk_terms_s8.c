// The portable twin of tk_terms_s8.S: the sum of two terms, of which only the finer is multiplied.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_terms.h"

#if !TK_DSP
// x + half, less one if x is negative.
static inline int32_t round_up(int32_t x, int32_t half) { return x + half + tk_floor_shift(x, 31); }

void tk_terms_s8(const int8_t *coarse, const int8_t *fine, int8_t *dst, const int8_t *end,
                 const tk_terms *terms)
{
    const tk_terms t = *terms;
    for (; dst < end; dst++) {
        const int32_t wide = *fine++ * (1 << 21) + t.fine_offset;
        int32_t scaled = tk_high_word(wide, t.fine_multiplier);
        if (t.fine_shift > 0) {
            scaled = tk_floor_shift(round_up(scaled, t.fine_half), t.fine_shift);
        }
        const int32_t sum = *coarse++ * (1 << 20) + t.coarse_offset + 2 * scaled;
        *dst = tk_round_plain(tk_high_word(sum, t.multiplier), t.shift, t.half);
    }
}
#endif
