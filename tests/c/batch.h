// The models of one batch; the table is written by tests/batch.py.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef BATCH_H
#define BATCH_H

#include <stddef.h>
#include <stdint.h>

typedef struct {
    void (*invoke)(void);
    void (*reset_state)(void); // NULL without a state
    int8_t *arena;
    uint32_t arena_bytes;
    uint32_t runs;
} batch_case;

extern const batch_case batch_cases[];
extern const size_t batch_count;

#endif
