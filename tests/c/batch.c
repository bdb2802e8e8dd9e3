// Runs many generated models in one program: for each run an arena from stdin, and what the model
// leaves in it to stdout.
//
// SPDX-License-Identifier: Apache-2.0
#include "batch.h"

#include <stdio.h>

int main(void)
{
    for (size_t i = 0; i < batch_count; i++) {
        const batch_case *model = &batch_cases[i];
        if (model->reset_state != NULL) {
            model->reset_state();
        }
        for (uint32_t run = 0; run < model->runs; run++) {
            if (fread(model->arena, 1, model->arena_bytes, stdin) != model->arena_bytes) {
                return 2;
            }
            model->invoke();
            fwrite(model->arena, 1, model->arena_bytes, stdout);
        }
    }
    return 0;
}
