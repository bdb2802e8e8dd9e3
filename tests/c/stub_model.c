// A model of two inputs and two outputs for the tests of link and application.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_model.h"

#ifndef TK_TRACE
#define TK_TRACE 0
#endif
#ifndef HALF_BYTES
#define HALF_BYTES 300u
#endif
#ifndef OUTPUT_BYTES
#define OUTPUT_BYTES HALF_BYTES
#endif
#define LAYERS 3u

// invoke destroys the input, as a planned arena may: layer 0 inverts it, layers 1 and 2 add one.
static uint8_t arena[2u * HALF_BYTES];

// The first tensor lies behind the second, so that running past its end shows.
static const tk_port ports[] = {
    {arena + HALF_BYTES, HALF_BYTES},
    {arena, HALF_BYTES},
};

static const tk_port outputs[] = {
    {arena + HALF_BYTES, OUTPUT_BYTES},
    {arena, OUTPUT_BYTES},
};

#if TK_TRACE
uint16_t tk_trace_stop;
#endif

static void invoke(void)
{
    for (uint16_t layer = 0; layer < LAYERS; layer++) {
        for (uint32_t i = 0; i < sizeof arena; i++) {
            arena[i] = (uint8_t)(layer == 0 ? ~arena[i] : arena[i] + 1);
        }
#if TK_TRACE
        if (layer == tk_trace_stop) {
            return;
        }
#endif
    }
}

const tk_model tk_app_model = {
    .name = "stub",
    .digest = "0123456789abcdef",
    .inputs = ports,
    .outputs = outputs,
    .input_count = 2,
    .output_count = 2,
#if TK_TRACE
    .layers = LAYERS,
    .arena = arena,
    .arena_bytes = sizeof arena,
#endif
    .invoke = invoke,
};
