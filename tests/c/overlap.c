// Runs one window kernel with its output laid over its input, for tests/test_access.py.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_kernels.h"

// What tests/test_access.py calls a kernel of int16 values is WIDE more than the same of int8.
#define WIDE 16

void overlap_run(int kernel, const tk_window *window, uint16_t channels, const int8_t *weights,
                 const int8_t *src, int8_t *dst, int8_t *column);

#define MAX_CHANNELS 32
#define MAX_PHASES   9
#define GROUPS       2

static const int32_t zeros[MAX_CHANNELS * MAX_PHASES];
static const uint32_t no_starts[MAX_PHASES];
static const int32_t multiplier[1] = {1 << 30};
static const int8_t shift[1] = {-3};
static const int64_t wide_zeros[MAX_CHANNELS];
static const int16_t wide_multiplier[1] = {1 << 14};
static const int8_t wide_shift[1] = {-3};
static uint32_t rows[5 * MAX_CHANNELS];

static uint16_t groups_of_four(uint32_t count) { return (uint16_t)((count + 3) / 4); }

// What fills rows of windows up has weights of zero: see codegen/packed.py for the order.
static const uint32_t *without_filling(const int8_t *weights, uint32_t run, uint32_t filled)
{
    static int8_t copy[4096];
    for (uint32_t i = 0; i < sizeof copy; i++) {
        const uint32_t input = 4 * (i / 8) + (i / 4) % 2 + 2 * ((i / 2) % 2);
        copy[i] = input % filled < run ? weights[i] : 0;
    }
    return (const uint32_t *)(const void *)copy;
}

static void run_packed(const tk_window *window, uint16_t channels, const int8_t *weights,
                       const int8_t *src, int8_t *dst, int8_t *scratch)
{
    for (uint32_t i = 0; i < MAX_CHANNELS; i++) {
        rows[5 * i + 2] = rows[5 * i + 3] = 1u << 31;
        rows[5 * i + 4] = 0x0202; // a shift by 3 twice
    }
    const uint32_t run = (uint32_t)window->kernel_width * window->channels;
    const uint16_t groups = groups_of_four(run);
    const tk_conv_packed_layer layer = {.out = {.channels = channels, .min = -128, .max = 127},
                                        .pairs = (uint16_t)(2 * groups * window->kernel_height),
                                        .run = (uint16_t)(4 * groups),
                                        .weights = without_filling(weights, run, 4u * groups),
                                        .rows = rows,
                                        .window = *window};
    tk_conv_packed_s8(&layer, src, dst, scratch);
}

static void run_rows(const tk_window *window, const int8_t *weights, tk_output out,
                     const int8_t *src, int8_t *dst, int8_t *scratch)
{
    tk_depthwise_rows_layer layer = {
        .width = 64, .band = 2, .weights = weights, .bias = zeros, .window = *window, .out = out};
    if (window->kernel_height == 3 && window->kernel_width == 3 && window->stride_width <= 2) {
        layer.band = 4; // rows that are held
        if (window->stride_height == 1 && window->stride_width == 1) {
            layer.across = 1;
            layer.window.in_height = layer.window.out_height = window->in_width;
            layer.window.in_width = layer.window.out_width = window->in_height;
            layer.window.pad_height = window->pad_width;
            layer.window.pad_width = window->pad_height;
        }
        tk_depthwise_3x3_s8(&layer, src, dst, scratch);
    } else {
        tk_depthwise_rows_s8(&layer, src, dst, scratch);
    }
}

static void run_wide(int kernel, const tk_window *window, uint16_t channels, const int8_t *weights,
                     const int8_t *src, int8_t *dst, int8_t *column)
{
    const uint16_t in_channels = window->channels / 2;
    const uint16_t taps = (uint16_t)(window->kernel_height * window->kernel_width * in_channels);
    const tk_output_s16 out = {.channels = channels,
                               .scales = 1,
                               .min = INT16_MIN,
                               .max = INT16_MAX,
                               .multiplier = wide_multiplier,
                               .shift = wide_shift};
    const tk_dense_s16_layer dense = {
        .inputs = taps, .weights = weights, .bias = wide_zeros, .out = out};
    const tk_conv_s16_layer conv = {.window = *window, .dense = dense};
    tk_conv_grouped_s16_layer grouped = {.groups = GROUPS, .window = *window, .dense = dense};
    grouped.dense.inputs = taps / GROUPS;
    const tk_depthwise_s16_layer depthwise = {.multiplier = channels / in_channels,
                                              .weights = weights,
                                              .bias = wide_zeros,
                                              .window = *window,
                                              .out = out};
    const tk_pool_s16_layer pool = {.min = INT16_MIN, .max = INT16_MAX, .window = *window};
    switch (kernel) {
    case 0:
        tk_conv_s16(&conv, src, dst, column);
        break;
    case 1:
        tk_depthwise_s16(&depthwise, src, dst);
        break;
    case 2:
        tk_max_pool_s16(&pool, src, dst);
        break;
    case 3:
        tk_conv_grouped_s16(&grouped, src, dst, column);
        break;
    default:
        tk_average_pool_s16(&pool, src, dst);
    }
}

void overlap_run(int kernel, const tk_window *window, uint16_t channels, const int8_t *weights,
                 const int8_t *src, int8_t *dst, int8_t *column)
{
    if (kernel >= WIDE) {
        run_wide(kernel - WIDE, window, channels, weights, src, dst, column);
        return;
    }
    const tk_output out = {.channels = channels,
                           .scales = 1,
                           .min = -128,
                           .max = 127,
                           .multiplier = multiplier,
                           .shift = shift};
    const tk_pool_layer pool = {.min = -128, .max = 127, .window = *window};
    const tk_conv_layer conv = {
        .window = *window,
        .dense = {.inputs =
                      (uint16_t)(window->kernel_height * window->kernel_width * window->channels),
                  .weights = weights,
                  .bias = zeros,
                  .out = out}};
    const tk_depthwise_layer depthwise = {.multiplier = (uint16_t)(channels / window->channels),
                                          .weights = weights,
                                          .bias = zeros,
                                          .window = *window,
                                          .out = out};
    const tk_conv_grouped_layer grouped = {
        .groups = GROUPS,
        .window = *window,
        .dense = {.inputs = (uint16_t)(conv.dense.inputs / GROUPS),
                  .weights = weights,
                  .bias = zeros,
                  .out = out}};
    // any weights will do: each phase begins where the one before it does
    const tk_transpose_conv_layer transposed = {
        .window = *window,
        .starts = no_starts,
        .dense = {.weights = weights, .bias = zeros, .out = out}};
    switch (kernel) {
    case 0:
        tk_conv_s8(&conv, src, dst, column);
        break;
    case 1:
        tk_depthwise_s8(&depthwise, src, dst);
        break;
    case 2:
        tk_max_pool_s8(&pool, src, dst);
        break;
    case 3:
        tk_conv_grouped_s8(&grouped, src, dst, column);
        break;
    case 4:
        tk_transpose_conv_s8(&transposed, src, dst, column);
        break;
    case 6:
        run_packed(window, channels, weights, src, dst, column);
        break;
    case 7:
        run_rows(window, weights, out, src, dst, column);
        break;
    default:
        tk_average_pool_s8(&pool, src, dst);
    }
}
