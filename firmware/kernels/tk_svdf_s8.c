// SVDF with a state of int8.
//
// A multiply-accumulate is 5 instructions of Cortex-M4 over the inputs and 6 over time, 2 loads and
// 2 of loop among them. The floor with DSP instructions is 0.94, as of tk_rows_s8.S.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_svdf.h"

// Puts a filter's newest value behind its older ones and weighs them all. The sum wraps: unsigned.
static uint32_t filter(const tk_svdf_layer *layer, uint32_t number, const int8_t *src,
                       int8_t *state)
{
    const tk_svdf_features *filters = &layer->filters;
    const int8_t *times = layer->times + number * filters->memory;
    int32_t value = tk_svdf_feature(filters, number, src);
    value = value < INT8_MIN ? INT8_MIN : value;
    value = value > INT8_MAX ? INT8_MAX : value;
    uint32_t sum = 0;
    for (uint32_t i = 0; i + 1 < filters->memory; i++) {
        state[i] = state[i + 1];
    }
    state[filters->memory - 1] = (int8_t)(value + filters->state_zero);
    for (uint32_t i = 0; i < filters->memory; i++) {
        sum += (uint32_t)(times[i] * (state[i] - filters->state_zero));
    }
    return sum;
}

void tk_svdf_s8(const tk_svdf_layer *layer, const int8_t *src, int8_t *state, int8_t *dst)
{
    const tk_svdf_features *filters = &layer->filters;
    uint32_t number = 0;
    for (uint32_t unit = 0; unit < filters->units; unit++) {
        uint32_t sum = (uint32_t)filters->bias[unit];
        for (uint32_t i = 0; i < filters->rank; i++) {
            sum += filter(layer, number, src, state);
            state += filters->memory;
            number++;
        }
        dst[unit] = tk_svdf_finish(filters, sum);
    }
}
