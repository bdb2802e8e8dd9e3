// BATCH_MATMUL: products of matrices that are computed, or that are not symmetric.
//
// A multiply-accumulate is 9 instructions. The floor with DSP instructions is 0.75, as of
// tk_tile_s8.S, with both matrices widened and sums of rows and columns for the zero points.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_fixed.h"

// 2 loads, 2 subtractions, a multiply-accumulate, 2 steps and 2 instructions of loop a product.
static int32_t dot(const tk_batch_matmul_layer *layer, const int8_t *a, const int8_t *b)
{
    int32_t sum = 0;
    for (uint32_t i = layer->depth; i > 0; i--) {
        sum += (*a - layer->a_zero) * (*b - layer->b_zero);
        a += layer->a_depth;
        b += layer->b_depth;
    }
    return sum;
}

static int8_t *product(const tk_batch_matmul_layer *layer, const int8_t *a, const int8_t *b,
                       int8_t *dst)
{
    for (int32_t row = 0; row < layer->rows; row++) {
        for (int32_t column = 0; column < layer->columns; column++) {
            const int32_t sum = dot(layer, a + row * layer->a_row, b + column * layer->b_column);
            const int32_t scaled = tk_rescale(sum, layer->multiplier, layer->shift);
            *dst++ = tk_clamp(scaled + layer->out_zero, INT8_MIN, INT8_MAX);
        }
    }
    return dst;
}

void tk_batch_matmul_s8(const tk_batch_matmul_layer *layer, const int8_t *a, const int8_t *b,
                        int8_t *dst)
{
    for (int32_t i = 0; i < layer->batches[0]; i++) {
        for (int32_t j = 0; j < layer->batches[1]; j++) {
            for (int32_t k = 0; k < layer->batches[2]; k++) {
                const int32_t from_a =
                    i * layer->a_batch[0] + j * layer->a_batch[1] + k * layer->a_batch[2];
                const int32_t from_b =
                    i * layer->b_batch[0] + j * layer->b_batch[1] + k * layer->b_batch[2];
                dst = product(layer, a + from_a, b + from_b, dst);
            }
        }
    }
}
