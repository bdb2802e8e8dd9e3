// One unit of an LSTM at one step, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_LSTM_H
#define TK_LSTM_H

#include "tk_s16.h"
#include "tk_sigmoid.h"

#define TK_LSTM_PRODUCTS 8 // an input and a recurrent one for each gate

// The argument of a gate's function in Q3.12, from its two sums.
static inline int32_t tk_lstm_gate(const tk_lstm_scaling *scaling, const int32_t *sums,
                                   uint32_t gate)
{
    int32_t total = 0;
    for (uint32_t i = 2 * gate; i < 2 * gate + 2; i++) {
        total += tk_saturate_s16(
            tk_rescale(sums[i], scaling->product_multiplier[i], scaling->product_shift[i]));
    }
    return tk_saturate_s16(total);
}

static inline int32_t tk_lstm_clip(int32_t value, int32_t limit)
{
    value = value > limit ? limit : value;
    return value < -limit ? -limit : value;
}

// Updates a unit's cell state and returns its new hidden state. The factor 3 is how Q3.12 becomes
// the unit of the table.
static inline int8_t tk_lstm_unit(const tk_lstm_scaling *scaling, const int32_t *sums,
                                  int16_t *cell)
{
    const int32_t input = tk_logistic_q15(3 * tk_lstm_gate(scaling, sums, 0));
    const int32_t forget = tk_logistic_q15(3 * tk_lstm_gate(scaling, sums, 1));
    const int32_t candidate = tk_tanh_q15(3 * tk_lstm_gate(scaling, sums, 2));
    const int32_t output = tk_logistic_q15(3 * tk_lstm_gate(scaling, sums, 3));
    const int32_t kept = tk_saturate_s16(
        tk_rescale(forget * *cell, scaling->forget_multiplier, scaling->forget_shift));
    const int32_t added = tk_saturate_s16(
        tk_rescale(input * candidate, scaling->input_multiplier, scaling->input_shift));
    int32_t state = tk_saturate_s16(kept + added);
    if (scaling->cell_clip >= 0) {
        state = tk_lstm_clip(state, scaling->cell_clip);
    }
    *cell = (int16_t)state;
    const int32_t shown =
        tk_tanh_q15(tk_table_argument(state, scaling->tanh_multiplier, scaling->tanh_shift));
    const int32_t hidden =
        tk_rescale(shown * output, scaling->hidden_multiplier, scaling->hidden_shift);
    return tk_clamp(hidden + scaling->hidden_zero, INT8_MIN, INT8_MAX);
}

#endif
