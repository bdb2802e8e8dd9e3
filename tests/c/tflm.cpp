// An engine that knows one model, two RELUs of 24 bytes, and does badly in small arenas.
//
// SPDX-License-Identifier: Apache-2.0
#include "tflm.h"

namespace
{

constexpr size_t BYTES = 24;
constexpr int TENSORS = 3; // input, between, output
constexpr int8_t ZERO_POINT = 3;

// Less than these, each in its own way:
constexpr size_t FAULTS_BELOW = 64;
constexpr size_t FAILS_BELOW = 96;
constexpr size_t OVERRUNS_BELOW = 128;
constexpr size_t LIES_BELOW = 160;

constexpr uint8_t UNLUCKY[] = {17, 34, 51}; // what begins so makes the second operator fail

const tflite::OperatorCode code = {tflite::BuiltinOperator_RELU};
const tflite::OperatorCode *const codes[] = {&code};
const tflite::Vector<tflite::OperatorCode> code_list = {codes, 1};
const tflite::Operator step = {0};
const tflite::Operator *const steps[] = {&step, &step};
const tflite::Vector<tflite::Operator> step_list = {steps, 2};
const tflite::SubGraph graph = {&step_list};
const tflite::SubGraph *const graphs[] = {&graph};
const tflite::Vector<tflite::SubGraph> graph_list = {graphs, 1};
const tflite::Model model = {&graph_list, &code_list};

TfLiteEvalTensor tensors[TENSORS];
TfLiteTensor ports[2];
TfLiteIntArray numbers[] = {{1, {0}}, {1, {1}}, {1, {2}}};
TfLiteNode nodes[] = {{&numbers[0], &numbers[1]}, {&numbers[1], &numbers[2]}};
const tflite::MicroOpResolver *known;
bool lying;

TfLiteEvalTensor *eval_tensor(const TfLiteContext *, int number) { return &tensors[number]; }

TfLiteContext context = {eval_tensor};

bool unlucky(const uint8_t *from)
{
    return (from[0] == UNLUCKY[0]) && (from[1] == UNLUCKY[1]) && (from[2] == UNLUCKY[2]);
}

__attribute__((noinline)) TfLiteStatus eval(TfLiteContext *of, TfLiteNode *node)
{
    const uint8_t *const from = of->GetEvalTensor(of, node->inputs->data[0])->data.uint8;
    uint8_t *const to = of->GetEvalTensor(of, node->outputs->data[0])->data.uint8;
    for (size_t i = 0; i < BYTES; i++) {
        const int8_t value = static_cast<int8_t>(from[i]);
        to[i] = static_cast<uint8_t>(value < ZERO_POINT ? ZERO_POINT : value);
    }
    return (node == &nodes[1]) && unlucky(from) ? kTfLiteError : kTfLiteOk;
}

// No kernel, though the graph calls it: its time belongs to the next layer.
__attribute__((noinline)) void between(const TfLiteNode *node) { asm volatile("" : : "r"(node)); }

} // namespace

namespace tflite
{

const Model *GetModel(const void *) { return &model; }

BuiltinOperator GetBuiltinCode(const OperatorCode *of) { return of->builtin; }

TFLMRegistration Register_RELU() { return {eval, BuiltinOperator_RELU}; }

TfLiteStatus MicroInterpreterGraph::InvokeSubgraph(int)
{
    for (uint32_t i = 0; i < step_list.size(); i++) {
        between(&nodes[i]);
        const TfLiteStatus status =
            known->FindOp(BuiltinOperator_RELU)->invoke(&context, &nodes[i]);
        between(&nodes[i]);
        if (status != kTfLiteOk) {
            return status;
        }
    }
    return kTfLiteOk;
}

MicroInterpreter::MicroInterpreter(const Model *, const MicroOpResolver &resolver, uint8_t *arena,
                                   size_t arena_bytes)
    : resolver_(resolver), arena_(arena), arena_bytes_(arena_bytes)
{
}

MicroInterpreter::~MicroInterpreter() {}

TfLiteStatus MicroInterpreter::AllocateTensors()
{
    if (arena_bytes_ < FAULTS_BELOW) {
        __builtin_trap();
    }
    if (arena_bytes_ < FAILS_BELOW) {
        return kTfLiteError;
    }
    if (arena_bytes_ < OVERRUNS_BELOW) {
        arena_[arena_bytes_] = 1;
    }
    lying = arena_bytes_ < LIES_BELOW;
    known = &resolver_;
    for (int i = 0; i < TENSORS; i++) {
        tensors[i].data.uint8 = arena_ + static_cast<size_t>(i) * BYTES;
    }
    ports[0] = {tensors[0].data, BYTES};
    ports[1] = {tensors[2].data, BYTES};
    return kTfLiteOk;
}

TfLiteStatus MicroInterpreter::Invoke()
{
    const TfLiteStatus status = graph_.InvokeSubgraph(0);
    if (lying) {
        ports[1].data.uint8[0] ^= 1;
    }
    return status;
}

TfLiteStatus MicroInterpreter::Reset() { return kTfLiteOk; }

size_t MicroInterpreter::inputs_size() const { return 1; }

size_t MicroInterpreter::outputs_size() const { return 1; }

TfLiteTensor *MicroInterpreter::input(size_t) { return &ports[0]; }

TfLiteTensor *MicroInterpreter::output(size_t) { return &ports[1]; }

} // namespace tflite
