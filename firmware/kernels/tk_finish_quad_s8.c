// The portable twin of tk_finish_quad_s8.S: four outputs of their sums.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_quads.h"

#if !TK_ARMV6M
void tk_finish_quad_s8(const int32_t *sums, const tk_output *out, uint32_t channel, int8_t *dst)
{
    const uint32_t step = out->scales > 1;
    const int32_t *multiplier = out->multiplier + channel * step;
    const int8_t *shift = out->shift + channel * step;
    for (uint32_t i = 0; i < TK_QUAD; i++) {
        const uint32_t right = (uint32_t)-*shift;
        const int32_t half = tk_half(right, out->zero);
        const int8_t value = tk_finish_plain(sums[i], *multiplier, right, half);
        dst[i] = tk_clamp(value, out->min, out->max);
        multiplier += step;
        shift += step;
    }
}
#endif
