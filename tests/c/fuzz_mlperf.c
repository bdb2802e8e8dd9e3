// libFuzzer: whatever arrives, the commands of MLPerf Tiny stay inside their buffers, each is
// answered by lines of which the last alone says ready, and no number of a stranger is trusted.
//
// SPDX-License-Identifier: Apache-2.0
#define main tk_app_main
#include "../../firmware/apps/mlperf.c"
#undef main

#include "tk_model.h"

#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

#define READY             "m-ready"
#define READY_BYTES       (sizeof READY - 1u)
#define ENOUGH_INFERENCES 3u // of a million that a command may ask for

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

static jmp_buf power_off;
static uint32_t inferences;
static uint32_t answers;
static size_t matched; // of READY

void tk_chip_feed(void) {}

uint8_t tk_chip_receive(void) { abort(); } // main asks, which does not run here

void tk_chip_send(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        matched = data[i] == (uint8_t)READY[matched] ? matched + 1 : data[i] == (uint8_t)READY[0];
        if (matched == READY_BYTES) {
            answers++;
            matched = 0;
        }
    }
}

void tk_chip_send_polled(const uint8_t *data, size_t bytes) { tk_chip_send(data, bytes); }

uint32_t tk_chip_time_us(void) { return UINT32_MAX; }

static uint8_t arena[TK_MLPERF_LOAD_BYTES];

static void invoke(void)
{
    if (++inferences > ENOUGH_INFERENCES) {
        longjmp(power_off, 1);
    }
    for (size_t i = 0; i < sizeof arena; i++) {
        arena[i] = (uint8_t)~arena[i];
    }
}

static const tk_port port = {arena, sizeof arena};

const tk_model tk_app_model = {
    .inputs = &port, .outputs = &port, .input_count = 1, .output_count = 1, .invoke = invoke};

// Each input meets a board that has just been reset.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    uint32_t volatile commands = 0;
    inferences = answers = 0;
    matched = 0;
    loaded_bytes = expected_bytes = 0;
    answered = false;
    if (setjmp(power_off) == 0) {
        take('%'); // ends what the input before has left
        for (size_t i = 0; i < bytes; i++) {
            take(data[i]);
            commands += data[i] == '%';
            if (answers != commands + 1u) {
                abort();
            }
        }
    }
    return 0;
}
