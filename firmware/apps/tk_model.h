// What an application sees of the model in its image, whatever engine runs it.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_MODEL_H
#define TK_MODEL_H

#include <stddef.h>
#include <stdint.h>

// One input or output tensor: where it lies and how large it is.
typedef struct {
    uint8_t *data;
    uint32_t bytes;
} tk_port;

typedef struct {
    const char *name;
    const char *digest; // SHA-256 of the graph, the first 16 hex digits
    const tk_port *inputs;
    const tk_port *outputs;
    uint8_t input_count;
    uint8_t output_count;
    uint16_t layers;      // of a trace build; 0 in an ordinary one
    const uint8_t *arena; // of a trace build; NULL in an ordinary one
    uint32_t arena_bytes;
    void (*invoke)(void);      // reads the inputs, which it may destroy, and leaves the outputs
    void (*reset_state)(void); // NULL for a model that keeps nothing between inferences
} tk_model;

extern const tk_model tk_app_model;

// A trace build stops `invoke` after this layer; tk_trace_all runs them all.
#define TK_TRACE_ALL UINT16_MAX
extern uint16_t tk_trace_stop;

#endif
