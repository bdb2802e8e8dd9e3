// The portable twin of tk_finish_quad_s8.S: four outputs of their sums.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_quads.h"

#if !TK_ARMV6M
// tk_finish_plain with what all four share taken out, and with the sign of the sum for that of the
// high word: they differ where the latter is 0, and one less before the shift does not show there.
void tk_finish_quad_s8(const int32_t *sums, const tk_output *out, uint32_t channel, int8_t *dst)
{
    const uint32_t step = out->scales > 1;
    const int32_t *multiplier = out->multiplier + channel * step;
    const int8_t *shift = out->shift + channel * step;
    const int32_t zero = 2 * out->zero + 1, min = out->min, max = out->max;
    for (uint32_t i = 0; i < TK_QUAD; i++) {
        const int32_t high = tk_high_word(sums[i] * 2, *multiplier);
        const int32_t signed_high = high + tk_floor_shift(sums[i], 31);
        const int32_t halves = tk_floor_shift(signed_high, (uint32_t)~*shift) + zero;
        dst[i] = tk_clamp(tk_floor_shift(halves, 1), min, max);
        multiplier += step;
        shift += step;
    }
}
#endif
