// Runs the generated model on the host: for each input from stdin, the arena behind each layer to
// stdout. A model with a state runs all earlier inputs again before each layer.
//
// SPDX-License-Identifier: Apache-2.0
#include <stdio.h>

#include "tk_model.h"

static int read_inputs(uint8_t *bytes, size_t count)
{
    return fread(bytes, 1, count, stdin) == count;
}

static void load(const uint8_t *bytes)
{
    for (size_t i = 0; i < tk_app_model.input_count; i++) {
        for (uint32_t k = 0; k < tk_app_model.inputs[i].bytes; k++) {
            tk_app_model.inputs[i].data[k] = *bytes++;
        }
    }
}

static void load_behind(const uint8_t *bytes, size_t count, size_t earlier)
{
    if (tk_app_model.reset_state != NULL) {
        tk_app_model.reset_state();
        tk_trace_stop = TK_TRACE_ALL;
        for (size_t i = 0; i < earlier; i++) {
            load(bytes + i * count);
            tk_app_model.invoke();
        }
    }
    load(bytes + earlier * count);
}

int main(void)
{
    static uint8_t bytes[1 << 20];
    size_t count = 0;
    for (size_t i = 0; i < tk_app_model.input_count; i++) {
        count += tk_app_model.inputs[i].bytes;
    }
    for (size_t done = 0; (done + 1) * count <= sizeof bytes; done++) {
        if (!read_inputs(bytes + done * count, count)) {
            return 0;
        }
        for (uint16_t layer = 0; layer < tk_app_model.layers; layer++) {
            load_behind(bytes, count, done);
            tk_trace_stop = layer;
            tk_app_model.invoke();
            fwrite(tk_app_model.arena, 1, tk_app_model.arena_bytes, stdout);
        }
    }
    return 2;
}
