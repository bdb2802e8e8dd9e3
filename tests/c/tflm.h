// What firmware/engines uses of TensorFlow Lite Micro, declared by us, for tests without its tree.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TFLM_H
#define TFLM_H

#include <stddef.h>
#include <stdint.h>

#define TFLITE_SCHEMA_VERSION (3)

enum TfLiteStatus { kTfLiteOk = 0, kTfLiteError = 1 };

struct TfLiteIntArray {
    int size;
    int data[1];
};

union TfLitePtrUnion {
    uint8_t *uint8;
};

struct TfLiteTensor {
    TfLitePtrUnion data;
    size_t bytes;
};

struct TfLiteEvalTensor {
    TfLitePtrUnion data;
};

struct TfLiteContext {
    TfLiteEvalTensor *(*GetEvalTensor)(const TfLiteContext *context, int number);
};

struct TfLiteNode {
    TfLiteIntArray *inputs;
    TfLiteIntArray *outputs;
};

namespace tflite
{

const TfLiteStatus kTfLiteAbort = static_cast<TfLiteStatus>(15);

enum BuiltinOperator {
    BuiltinOperator_CONV_2D,
    BuiltinOperator_DEPTHWISE_CONV_2D,
    BuiltinOperator_ADD,
    BuiltinOperator_DEQUANTIZE,
    BuiltinOperator_FULLY_CONNECTED,
    BuiltinOperator_LOGISTIC,
    BuiltinOperator_MAX_POOL_2D,
    BuiltinOperator_MEAN,
    BuiltinOperator_QUANTIZE,
    BuiltinOperator_RELU,
    BuiltinOperator_SOFTMAX,
};

struct TFLMRegistration {
    TfLiteStatus (*invoke)(TfLiteContext *context, TfLiteNode *node);
    int32_t builtin_code;
};

template <typename T> struct Vector {
    const T *const *items;
    uint32_t count;

    uint32_t size() const { return count; }
    const T *Get(uint32_t place) const { return items[place]; }
};

struct OperatorCode {
    BuiltinOperator builtin;
};

struct Operator {
    uint32_t code;

    uint32_t opcode_index() const { return code; }
};

struct SubGraph {
    const Vector<Operator> *steps;

    const Vector<Operator> *operators() const { return steps; }
};

struct Model {
    const Vector<SubGraph> *graphs;
    const Vector<OperatorCode> *codes;

    uint32_t version() const { return TFLITE_SCHEMA_VERSION; }
    const Vector<SubGraph> *subgraphs() const { return graphs; }
    const Vector<OperatorCode> *operator_codes() const { return codes; }
};

const Model *GetModel(const void *file);
BuiltinOperator GetBuiltinCode(const OperatorCode *code);

class MicroOpResolver
{
  public:
    virtual const TFLMRegistration *FindOp(BuiltinOperator kind) const = 0;
};

class MicroInterpreterGraph
{
  public:
    TfLiteStatus InvokeSubgraph(int number);
};

class MicroInterpreter
{
  public:
    MicroInterpreter(const Model *model, const MicroOpResolver &resolver, uint8_t *arena,
                     size_t arena_bytes);
    ~MicroInterpreter();
    TfLiteStatus AllocateTensors();
    TfLiteStatus Invoke();
    TfLiteStatus Reset();
    size_t inputs_size() const;
    size_t outputs_size() const;
    TfLiteTensor *input(size_t place);
    TfLiteTensor *output(size_t place);

  private:
    const MicroOpResolver &resolver_;
    uint8_t *arena_;
    size_t arena_bytes_;
    MicroInterpreterGraph graph_;
};

TFLMRegistration Register_ADD();
TFLMRegistration Register_ADD_INT8();
TFLMRegistration Register_CONV_2D();
TFLMRegistration Register_CONV_2D_INT8();
TFLMRegistration Register_DEPTHWISE_CONV_2D();
TFLMRegistration Register_DEPTHWISE_CONV_2D_INT8();
TFLMRegistration Register_DEQUANTIZE();
TFLMRegistration Register_FULLY_CONNECTED();
TFLMRegistration Register_FULLY_CONNECTED_INT8();
TFLMRegistration Register_LOGISTIC();
TFLMRegistration Register_MAX_POOL_2D();
TFLMRegistration Register_MAX_POOL_2D_INT8();
TFLMRegistration Register_MEAN();
TFLMRegistration Register_QUANTIZE();
TFLMRegistration Register_RELU();
TFLMRegistration Register_SOFTMAX();
TFLMRegistration Register_SOFTMAX_INT8();

template <unsigned int most> class MicroMutableOpResolver : public MicroOpResolver
{
  public:
    const TFLMRegistration *FindOp(BuiltinOperator kind) const override
    {
        for (unsigned int i = 0; i < count_; i++) {
            if (registrations_[i].builtin_code == kind) {
                return &registrations_[i];
            }
        }
        return nullptr;
    }

#define TFLM_METHOD(name, kind)                                                                    \
    TfLiteStatus Add##name(const TFLMRegistration &registration = Register_##kind())               \
    {                                                                                              \
        return Add(BuiltinOperator_##kind, registration);                                          \
    }
    TFLM_METHOD(Add, ADD)
    TFLM_METHOD(Conv2D, CONV_2D)
    TFLM_METHOD(DepthwiseConv2D, DEPTHWISE_CONV_2D)
    TFLM_METHOD(Dequantize, DEQUANTIZE)
    TFLM_METHOD(FullyConnected, FULLY_CONNECTED)
    TFLM_METHOD(Logistic, LOGISTIC)
    TFLM_METHOD(MaxPool2D, MAX_POOL_2D)
    TFLM_METHOD(Mean, MEAN)
    TFLM_METHOD(Quantize, QUANTIZE)
    TFLM_METHOD(Relu, RELU)
    TFLM_METHOD(Softmax, SOFTMAX)
#undef TFLM_METHOD

  private:
    TfLiteStatus Add(BuiltinOperator kind, const TFLMRegistration &registration)
    {
        if (count_ == most) {
            return kTfLiteError;
        }
        registrations_[count_] = registration;
        registrations_[count_].builtin_code = kind;
        count_++;
        return kTfLiteOk;
    }

    TFLMRegistration registrations_[most];
    unsigned int count_ = 0;
};

} // namespace tflite

using tflite::TFLMRegistration;

#endif
