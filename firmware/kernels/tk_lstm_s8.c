// UNIDIRECTIONAL_SEQUENCE_LSTM with dense weights. The hidden state of a step is the output of the
// step before.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_lstm.h"
#include "tk_row_sum.h"

// Moves `layer`, a copy, behind the row.
static int32_t row(tk_lstm_layer *layer, const int8_t *src, uint32_t count, int32_t sum)
{
    const int8_t *weights = layer->weights;
    layer->weights += count;
    return tk_row_sum_s8(weights, src, count, sum);
}

static void step(const tk_lstm_layer *layer, const int8_t *src, const int8_t *hidden, int16_t *cell,
                 int8_t *dst)
{
    tk_lstm_layer rest = *layer;
    for (uint32_t unit = 0; unit < layer->units; unit++) {
        int32_t sums[TK_LSTM_PRODUCTS];
        for (uint32_t i = 0; i < TK_LSTM_PRODUCTS; i += 2) {
            sums[i] = row(&rest, src, layer->inputs, *rest.bias++);
            sums[i + 1] = row(&rest, hidden, layer->units, *rest.bias++);
        }
        dst[unit] = tk_lstm_unit(&layer->scaling, sums, &cell[unit]);
    }
}

void tk_lstm_s8(const tk_lstm_layer *layer, const int8_t *src, int8_t *hidden, int16_t *cell,
                int8_t *dst)
{
    const int8_t *before = hidden;
    for (uint32_t i = 0; i < layer->steps; i++) {
        step(layer, src, before, cell, dst);
        before = dst;
        src += layer->inputs;
        dst += layer->units;
    }
    tk_copy_bytes(hidden, before, layer->units);
}
