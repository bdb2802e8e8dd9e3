// A model of one input that it destroys: the output lies in its place, each bit inverted.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_model.h"

#define BYTES 300u

static uint8_t arena[BYTES];
static const tk_port port = {arena, BYTES};

static void invoke(void)
{
    for (uint32_t i = 0; i < BYTES; i++) {
        arena[i] = (uint8_t)~arena[i];
    }
}

const tk_model tk_app_model = {
    .name = "inverting",
    .digest = "0123456789abcdef",
    .inputs = &port,
    .outputs = &port,
    .input_count = 1,
    .output_count = 1,
    .invoke = invoke,
};
