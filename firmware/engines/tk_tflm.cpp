// Sets TensorFlow Lite Micro up, runs it, and says over the link why it gives up.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tflm.h"

#ifndef _Noreturn // C only; newlib's headers define it for C++ too
#define _Noreturn [[noreturn]]
#endif

extern "C" {
#include "../chips/chip.h"

// What the library calls when it is at its end.
void __cxa_pure_virtual(void);
[[noreturn]] void abort(void);
}

// Never destroyed: a destructor at exit would bring in the C library's.
alignas(tflite::MicroInterpreter) static uint8_t storage[sizeof(tflite::MicroInterpreter)];
static tflite::MicroInterpreter *interpreter;

[[noreturn]] static void stop(const void *where, tk_tflm_reason reason)
{
    tk_fault fault = {};
    fault.pc = reinterpret_cast<uint32_t>(where);
    fault.address = reason;
    if (tk_fault_report(&fault)) {
        tk_chip_restart();
    }
    tk_chip_stop();
}

__attribute__((noinline)) void tk_tflm_expect(TfLiteStatus status, tk_tflm_reason reason)
{
    if (status != kTfLiteOk) {
        stop(__builtin_return_address(0), reason);
    }
}

void __cxa_pure_virtual(void) { stop(__builtin_return_address(0), TK_TFLM_ABORT); }

void abort(void) { stop(__builtin_return_address(0), TK_TFLM_ABORT); }

static void set_port(tk_port *port, const TfLiteTensor *tensor)
{
    *port = {tensor->data.uint8, static_cast<uint32_t>(tensor->bytes)};
}

static void set_ports(void)
{
    for (size_t i = 0; i < interpreter->inputs_size(); i++) {
        set_port(&tk_tflm_model.inputs[i], interpreter->input(i));
    }
    for (size_t i = 0; i < interpreter->outputs_size(); i++) {
        set_port(&tk_tflm_model.outputs[i], interpreter->output(i));
    }
#if TK_TFLM_PROBE
    tk_tflm_model.outputs[interpreter->outputs_size()] = tk_tflm_probe_port();
#endif
}

static void make_interpreter(void)
{
    const tflite::Model *const model = tflite::GetModel(tk_tflm_model.file);
    const bool known = model->version() == TFLITE_SCHEMA_VERSION;
    tk_tflm_expect(known ? kTfLiteOk : kTfLiteError, TK_TFLM_SCHEMA);
#if TK_TFLM_PROBE
    const tk_tflm_arena arena = tk_tflm_probe_arena();
#else
    const tk_tflm_arena arena = {tk_tflm_model.arena, tk_tflm_model.arena_bytes};
#endif
    const tflite::MicroOpResolver &resolver = tk_tflm_model.make_resolver();
    interpreter = new (storage) tflite::MicroInterpreter(model, resolver, arena.start, arena.bytes);
    tk_tflm_expect(interpreter->AllocateTensors(), TK_TFLM_ALLOCATE);
    set_ports();
#if TK_TFLM_PROBE
    tk_tflm_probe_after_setup();
#endif
#if TK_TRACE
    tk_tflm_trace_start(resolver);
#endif
}

void tk_tflm_reset(void)
{
    if (interpreter == nullptr) {
        make_interpreter();
    } else {
        tk_tflm_expect(interpreter->Reset(), TK_TFLM_ALLOCATE);
    }
}

void tk_tflm_invoke(void)
{
#if TK_TRACE
    tk_tflm_trace_restart();
    const TfLiteStatus status = interpreter->Invoke();
    // how a trace ends behind a layer
    tk_tflm_expect(status == tflite::kTfLiteAbort ? kTfLiteOk : status, TK_TFLM_INVOKE);
#else
    tk_tflm_expect(interpreter->Invoke(), TK_TFLM_INVOKE);
#endif
#if TK_TFLM_PROBE
    tk_tflm_probe_after_invoke();
#endif
}
