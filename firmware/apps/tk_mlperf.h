// The model as the runner of MLPerf Tiny sees it: bytes as it sends them in, results out.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_MLPERF_H
#define TK_MLPERF_H

#include <stdint.h>

// What mlperf.h says of the model: how the bytes become its input, and of what its output is.
enum { TK_MLPERF_COPY, TK_MLPERF_LESS_128, TK_MLPERF_QUANTIZE };
enum { TK_MLPERF_INT8, TK_MLPERF_UINT8, TK_MLPERF_FLOATS };

// Takes TK_MLPERF_LOAD_BYTES anew, and runs once.
void tk_mlperf_infer(const uint8_t *loaded);

// One of TK_MLPERF_RESULTS results of what was loaded: a class's score, or the only one, how far
// the output is from the input.
float tk_mlperf_result(const uint8_t *loaded, uint32_t number);

#endif
