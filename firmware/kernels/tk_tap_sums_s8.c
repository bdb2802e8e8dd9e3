// The portable twin of tk_tap_sums_s8.S: a depthwise filter for four channels.
//
// The floor is 2 loads, a subtraction and a multiply-accumulate a tap, 4 instructions; what steps
// from tap to tap is shared by four channels.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_quads.h"

#if !TK_ARMV6M
void tk_tap_sums_s8(const tk_taps *inside, const int8_t *values, const int8_t *weights,
                    int32_t *sums)
{
    const int32_t zero = inside->zero, pixel = inside->pixel, channels = inside->channels;
    int32_t sum0 = sums[0], sum1 = sums[1], sum2 = sums[2], sum3 = sums[3];
    for (int32_t row = inside->rows; row > 0; row--) {
        for (int32_t column = inside->columns; column > 0; column--) {
            sum0 += (values[0] - zero) * weights[0];
            sum1 += (values[1] - zero) * weights[1];
            sum2 += (values[2] - zero) * weights[2];
            sum3 += (values[3] - zero) * weights[3];
            values += pixel;
            weights += channels;
        }
        values += inside->value_row;
        weights += inside->weight_row;
    }
    sums[0] = sum0;
    sums[1] = sum1;
    sums[2] = sum2;
    sums[3] = sum3;
}
#endif
