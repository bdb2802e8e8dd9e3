// Stops TensorFlow Lite Micro behind a layer, and notes where its tensors lie.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_tflm.h"

#include "tensorflow/lite/schema/schema_utils.h"

static uint16_t layer;

static void note_offsets(TfLiteContext *context, const TfLiteNode *node)
{
    for (int i = 0; i < node->outputs->size; i++) {
        const int number = node->outputs->data[i];
        const TfLiteEvalTensor *const tensor = context->GetEvalTensor(context, number);
        tk_tflm_model.offsets[number] =
            static_cast<uint32_t>(tensor->data.uint8 - tk_tflm_model.arena);
    }
}

static TfLiteStatus run_one(TfLiteContext *context, TfLiteNode *node)
{
    const TfLiteStatus status = tk_tflm_model.operators[layer](context, node);
    note_offsets(context, node);
    if ((status == kTfLiteOk) && (layer == tk_trace_stop)) {
        return tflite::kTfLiteAbort;
    }
    layer++;
    return status;
}

// The registrations are the generated resolver's own, in RAM, so they may be changed.
static TFLMRegistration *registration(const tflite::MicroOpResolver &resolver,
                                      const tflite::Model *model, uint32_t step)
{
    const tflite::Operator *const each = model->subgraphs()->Get(0)->operators()->Get(step);
    const tflite::OperatorCode *const code = model->operator_codes()->Get(each->opcode_index());
    return const_cast<TFLMRegistration *>(resolver.FindOp(tflite::GetBuiltinCode(code)));
}

void tk_tflm_trace_start(const tflite::MicroOpResolver &resolver)
{
    const tflite::Model *const model = tflite::GetModel(tk_tflm_model.file);
    for (uint32_t i = 0; i < tk_app_model.layers; i++) {
        tk_tflm_model.operators[i] = registration(resolver, model, i)->invoke;
    }
    for (uint32_t i = 0; i < tk_app_model.layers; i++) {
        registration(resolver, model, i)->invoke = run_one;
    }
}

void tk_tflm_trace_restart(void) { layer = 0; }
