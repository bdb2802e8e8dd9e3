// TensorFlow Lite Micro behind tk_model.h; the generated file says which model and operators.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TFLM_H
#define TK_TFLM_H

#include <new>

#include "tensorflow/lite/micro/kernels/pad.h"
#include "tensorflow/lite/micro/kernels/transpose.h"
#include "tensorflow/lite/micro/micro_interpreter.h"
#include "tensorflow/lite/micro/micro_mutable_op_resolver.h"

extern "C" {
#include "../apps/tk_model.h"
}

#ifndef TK_TRACE
#define TK_TRACE 0
#endif

#ifndef TK_TFLM_PROBE
#define TK_TFLM_PROBE 0
#endif

// Why the engine gives up: docs/protocol.md, Errors.
enum tk_tflm_reason : uint32_t {
    TK_TFLM_SCHEMA = 1,
    TK_TFLM_OPERATORS = 2,
    TK_TFLM_ALLOCATE = 3,
    TK_TFLM_INVOKE = 4,
    TK_TFLM_ABORT = 5,
    TK_TFLM_OVERRUN = 6,
};

using tk_tflm_operator = TfLiteStatus (*)(TfLiteContext *, TfLiteNode *);

struct tk_tflm_arena {
    uint8_t *start;
    uint32_t bytes;
};

struct tk_tflm {
    const uint8_t *file; // the .tflite file
    const tflite::MicroOpResolver &(*make_resolver)(void);
    uint8_t *arena;
    uint32_t arena_bytes;
    tk_port *inputs;
    tk_port *outputs;
#if TK_TRACE
    tk_tflm_operator *operators; // room for one a layer
    uint32_t *offsets;           // room for one a tensor: where it lies in the arena once written
#endif
};

// The generated file defines it.
extern const tk_tflm tk_tflm_model;

// Ends the firmware with a fault frame if the status is not good.
void tk_tflm_expect(TfLiteStatus status, tk_tflm_reason reason);

inline void tk_tflm_added(TfLiteStatus status) { tk_tflm_expect(status, TK_TFLM_OPERATORS); }

// Makes the interpreter the first time, and resets the model's states after that.
void tk_tflm_reset(void);

void tk_tflm_invoke(void);

#if TK_TRACE
// Put a stop behind each operator; restart from the first layer.
void tk_tflm_trace_start(const tflite::MicroOpResolver &resolver);
void tk_tflm_trace_restart(void);
#endif

#if TK_TFLM_PROBE
// Gives the part of the arena that is tried, between fences.
tk_tflm_arena tk_tflm_probe_arena(void);

// Give up if the fences do not stand any more, and note how deep the stack has been.
void tk_tflm_probe_after_setup(void);
void tk_tflm_probe_after_invoke(void);

// Gives one more output: the depths of the stack.
tk_port tk_tflm_probe_port(void);
#endif

#endif
