// TRANSPOSE_CONV with dense weights: at each output position the product of its phase.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_phase.h"

static tk_dense_layer product_of(const tk_transpose_conv_layer *layer, const tk_phase *row,
                                 const tk_phase *place)
{
    const uint32_t phase = row->number * layer->window.stride_width + place->number;
    tk_dense_layer part = layer->dense;
    part.inputs = (uint16_t)(row->taps * place->taps * layer->window.channels);
    part.weights += layer->starts[phase];
    part.bias += phase * part.out.channels;
    return part;
}

void tk_transpose_conv_s8(const tk_transpose_conv_layer *layer, const int8_t *src, int8_t *dst,
                          int8_t *column)
{
    const tk_window *window = &layer->window;
    for (uint32_t line = 0; line < window->out_height; line++) {
        const uint32_t y = tk_turn(window, line, window->out_height);
        const tk_phase row =
            tk_phase_at(y, window->pad_height, window->stride_height, window->kernel_height);
        for (uint32_t step = 0; step < window->out_width; step++) {
            const uint32_t x = tk_turn(window, step, window->out_width);
            const tk_phase place =
                tk_phase_at(x, window->pad_width, window->stride_width, window->kernel_width);
            const tk_dense_layer part = product_of(layer, &row, &place);
            const int8_t *inputs =
                tk_gather_phase(window, layer->pad_value, src, &row, &place, column);
            tk_dense_s8(&part, inputs, dst + (y * window->out_width + x) * part.out.channels);
        }
    }
}
