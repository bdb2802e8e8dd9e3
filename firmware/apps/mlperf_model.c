// What the runner of MLPerf Tiny sends becomes the model's input, its output becomes results; in
// the arithmetic of the reference firmware (benchmark/util/quantization_helpers.h).
//
// SPDX-License-Identifier: Apache-2.0
#include "../kernels/tk_nearest.h"
#include "mlperf.h"
#include "tk_mlperf.h"
#include "tk_model.h"

#define FAR_OUT 1024.0f // steps: beyond any int8, whatever the zero point

static float float_at(const uint8_t *bytes, uint32_t number)
{
    float value;
    __builtin_memcpy(&value, bytes + number * sizeof value, sizeof value);
    return value;
}

static uint8_t quantized(float value)
{
    int32_t steps = tk_nearest(value / TK_MLPERF_INPUT_SCALE, FAR_OUT) + TK_MLPERF_INPUT_ZERO;
    steps = steps < INT8_MIN ? INT8_MIN : steps;
    steps = steps > INT8_MAX ? INT8_MAX : steps;
    return (uint8_t)steps;
}

static uint8_t input_byte(const uint8_t *loaded, uint32_t at)
{
    switch (TK_MLPERF_INPUT) {
    case TK_MLPERF_LESS_128:
        return loaded[at] ^ 0x80u;
    case TK_MLPERF_QUANTIZE:
        return quantized(float_at(loaded, at));
    default:
        return loaded[at];
    }
}

void tk_mlperf_infer(const uint8_t *loaded)
{
    const tk_port *const input = &tk_app_model.inputs[0];
    for (uint32_t i = 0; i < input->bytes; i++) {
        input->data[i] = input_byte(loaded, i);
    }
    if (tk_app_model.reset_state != NULL) {
        tk_app_model.reset_state();
    }
    tk_app_model.invoke();
}

static float output_value(uint32_t number)
{
    const uint8_t *const output = tk_app_model.outputs[0].data;
    if (TK_MLPERF_OUTPUT == TK_MLPERF_FLOATS) {
        return float_at(output, number);
    }
    const int32_t steps =
        TK_MLPERF_OUTPUT == TK_MLPERF_INT8 ? (int8_t)output[number] : output[number];
    return (float)(steps - TK_MLPERF_OUTPUT_ZERO) * TK_MLPERF_OUTPUT_SCALE;
}

static float mean_squared_error(const uint8_t *loaded)
{
    float sum = 0.0f;
    for (uint32_t i = 0; i < TK_MLPERF_OUTPUTS; i++) {
        const float difference = output_value(i) - float_at(loaded, i);
        sum += difference * difference;
    }
    return sum / (float)TK_MLPERF_OUTPUTS;
}

float tk_mlperf_result(const uint8_t *loaded, uint32_t number)
{
    return TK_MLPERF_RESULTS == TK_MLPERF_OUTPUTS ? output_value(number)
                                                  : mean_squared_error(loaded);
}
