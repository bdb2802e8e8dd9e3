// The phases of a transposed convolution, for kernels only.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_PHASE_H
#define TK_PHASE_H

#include "tk_window.h"

// How the taps that reach one output lie on the input, along one axis.
typedef struct {
    uint32_t number; // of the phase
    uint32_t place;  // of the last tap; the others lie before it
    uint16_t taps;
} tk_phase;

static inline tk_phase tk_phase_at(uint32_t out, uint32_t pad, uint32_t stride, uint32_t kernel)
{
    const uint32_t number = (out + pad) % stride;
    return (tk_phase){
        .number = number,
        .place = (out + pad) / stride,
        .taps = (uint16_t)(kernel > number ? (kernel - number - 1) / stride + 1 : 0),
    };
}

// The inputs that reach the output at (out_y, out_x): in `column`, or where they lie.
static inline const int8_t *tk_gather_phase(const tk_window *window, int8_t pad_value,
                                            const int8_t *src, const tk_phase *row,
                                            const tk_phase *place, int8_t *column)
{
    // a window without taps gathers nothing
    const tk_window part = {
        .in_height = window->in_height,
        .in_width = window->in_width,
        .kernel_height = row->taps,
        .kernel_width = place->taps,
        .stride_height = 1,
        .stride_width = 1,
        .dilation_height = 1,
        .dilation_width = 1,
        .pad_height = (uint16_t)(row->taps > 0 ? row->taps - 1 : 0),
        .pad_width = (uint16_t)(place->taps > 0 ? place->taps - 1 : 0),
        .channels = window->channels,
    };
    return tk_gather(&part, pad_value, src, row->place, place->place, column);
}

#endif
