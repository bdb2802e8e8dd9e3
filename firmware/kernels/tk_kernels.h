// The contract between generated models and kernels: one record type and one function an operator.
//
// Shapes, ranges and sums are proved by the code generator, so kernels check nothing and return
// nothing. Every kernel computes exactly what TensorFlow Lite Micro's reference kernel does.
// Images are height, width, channels with the channels together; `src` and `dst` do not overlap
// unless the comment says that they may be the same.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_KERNELS_H
#define TK_KERNELS_H

#include <stdint.h>

#define TK_KERNEL_ABI 2

// In a trace build a model stops behind layer `index`, so that its output can be read before a
// later layer takes its place.
#if defined(TK_TRACE) && TK_TRACE
extern uint16_t tk_trace_stop;
#define TK_LAYER(index)                                                                            \
    if (tk_trace_stop == (index)) {                                                                \
        return;                                                                                    \
    }
#else
#define TK_LAYER(index)
#endif

// How int32 sums become int8 outputs: multiplier * 2^(shift - 31), one pair a scale.
typedef struct {
    uint16_t channels;
    uint16_t scales; // 1, or one for each channel
    int8_t zero;
    int8_t min;
    int8_t max;
    uint8_t plain;             // all shifts are -22 to -1, and twice a sum fits int32
    const int32_t *multiplier; // [scales]
    const int8_t *shift;       // [scales], positive to the left
} tk_output;

// outputs = weights * inputs + bias; the input's zero point is folded into the bias.
typedef struct {
    uint16_t inputs;
    const int8_t *weights; // [out.channels][inputs]
    const int32_t *bias;   // [out.channels]
    tk_output out;
} tk_dense_layer;

// The same with the weights that are not zero only. Inputs are cut into segments of
// TK_SPARSE_SEGMENT, so that a position in a segment fits a byte.
#define TK_SPARSE_SEGMENT 255
typedef struct {
    uint16_t inputs;
    const int8_t *weights;  // row after row
    const uint8_t *indices; // position in the segment, one for each weight
    const uint8_t *counts;  // [out.channels][segments]: weights in the segment
    const int32_t *bias;    // [out.channels]
    tk_output out;
} tk_sparse_layer;

// In tk_block_s8 and kernels named like it a position is that of a block of inputs, each with as
// many weights, and segments are as many times as long.
#define TK_BLOCK 4

// The same with a bit for each weight, set if it is not zero. The first input of a row has the
// highest bit of the row's first word.
#define TK_BITMAP_WORD 32
typedef struct {
    uint16_t inputs;
    const int8_t *weights; // those that are not zero, row after row
    const uint32_t *masks; // [out.channels][words]
    const int32_t *bias;   // [out.channels]
    tk_output out;
} tk_bitmap_layer;

// The same with weights of at most 16 values, four bits each: their places among the values of the
// row's book. The first input of a row has the lowest bits of the row's first word.
#define TK_CODEBOOK_VALUES 16
#define TK_CODEBOOK_WORD   8
typedef struct {
    uint16_t inputs;
    const uint32_t *codes; // [out.channels][words]
    const uint8_t *books;  // [out.channels]
    const int8_t *values;  // [books][16]
    const int32_t *bias;   // [out.channels]
    tk_output out;
} tk_codebook_layer;

// The same, laid out for the DSP instructions of Armv7E-M and Armv8-M: firmware/kernels/tk_rows.h.
// Shifts are between -22 and -1, and twice a sum fits int32.
typedef struct {
    uint16_t inputs;
    const uint32_t *weights; // rows and inputs filled up with zeros to multiples of 4
    const int32_t *bias;     // [out.channels], filled up too
    tk_output out;
} tk_dense_packed_layer;

// A window that slides over an image.
typedef struct {
    uint16_t in_height, in_width;
    uint16_t kernel_height, kernel_width;
    uint16_t stride_height, stride_width;
    uint16_t dilation_height, dilation_width;
    uint16_t pad_height, pad_width; // above and to the left
    uint16_t out_height, out_width;
    uint16_t channels; // of the image
    uint16_t backward; // go from the last output position to the first
} tk_window;

typedef struct {
    int8_t pad_value; // what a tap outside of the image reads: the input's zero point
    tk_window window;
    tk_dense_layer dense;
} tk_conv_layer;

typedef struct {
    int8_t pad_value;
    tk_window window;
    tk_sparse_layer sparse;
} tk_conv_sparse_layer;

typedef struct {
    int8_t pad_value;
    tk_window window;
    tk_sparse_layer block;
} tk_conv_block_layer;

typedef struct {
    int8_t pad_value;
    tk_window window;
    tk_bitmap_layer bitmap;
} tk_conv_bitmap_layer;

typedef struct {
    int8_t pad_value;
    tk_window window;
    tk_codebook_layer codebook;
} tk_conv_codebook_layer;

// Laid out for DSP instructions: firmware/kernels/tk_tile.h. Shifts and sums as above; `rows` holds
// the scales.
typedef struct {
    int8_t pad_value;
    uint16_t pairs; // words of inputs in a column
    uint16_t run;   // inputs of a window's row in it, perhaps filled up to whole groups of four
    const uint32_t *weights;
    const uint32_t *rows;
    tk_window window;
    tk_output out;
} tk_conv_packed_layer;

// With few values, laid out for DSP instructions: firmware/kernels/tk_tile_codebook.h.
typedef struct {
    const uint8_t *books; // as in tk_codebook_layer
    const int8_t *values;
    tk_conv_packed_layer packed; // its weights are codes
} tk_conv_codebook_tile_layer;

// Sparse, laid out for DSP instructions: firmware/kernels/tk_tile_sparse.h. Shifts and sums as
// above.
typedef struct {
    int8_t pad_value;
    const uint8_t *weights;
    const uint32_t *rows;
    tk_window window;
    tk_output out;
} tk_conv_sparse_tile_layer;

// With a bit for each weight, laid out for DSP instructions: firmware/kernels/tk_tile_bitmap.h.
typedef struct {
    int8_t pad_value;
    const int8_t *weights;
    const uint32_t *masks;
    const uint32_t *rows;
    tk_window window;
    tk_output out;
} tk_conv_bitmap_tile_layer;

// A convolution whose channels are divided into groups, each with outputs of its own.
typedef struct {
    int8_t pad_value;
    uint16_t groups;
    tk_window window;
    tk_dense_layer dense; // inputs are those of one group, outputs those of all
} tk_conv_grouped_layer;

// CONV_2D turned around: each input spreads over a window of outputs that moves by the stride. The
// window tells the geometry of the convolution from output to input that has the same taps.
//
// Which taps reach an output depends on its phase, (y + pad) % stride: each phase has a product of
// its own, with rows of as many inputs as it has taps, and with biases of its own.
typedef struct {
    int8_t pad_value;
    tk_window window;
    const uint32_t *starts; // [phases]: where a phase's weights begin
    tk_dense_layer dense;   // weights and biases of all phases; inputs are not used
} tk_transpose_conv_layer;

typedef struct {
    int8_t pad_value;
    tk_window window;
    const uint32_t *starts;       // [phases]: where a phase's weights and indices begin
    const uint32_t *count_starts; // [phases]: and its counts
    tk_sparse_layer sparse;
} tk_transpose_conv_sparse_layer;

typedef struct {
    int8_t in_zero;
    uint16_t multiplier;   // output channels for each input channel
    const int8_t *weights; // [kernel_height][kernel_width][out.channels]
    const int32_t *bias;   // [out.channels]
    tk_window window;
    tk_output out;
} tk_depthwise_layer;

// One output channel for each of the image, no dilation; shifts and sums as for packed weights.
typedef struct {
    int8_t in_zero;
    uint8_t across;        // 3x3: height and width are exchanged, here, in the window, in weights
    uint16_t width;        // of a copied row, padding included
    uint16_t band;         // rows of outputs that are computed at a time; 3x3: rows that are held
    const int8_t *weights; // [channels][kernel_height][kernel_width]; 3x3: and a byte
    const int32_t *bias;   // [channels]; 3x3: the input's zero point is folded in
    tk_window window;
    tk_output out;
} tk_depthwise_rows_layer;

typedef struct {
    int8_t min;
    int8_t max;
    tk_window window;
} tk_pool_layer;

// The same for int16 values, whose zero points are 0, with 64-bit sums. The channels of a window
// are given in bytes, two for each.
typedef struct {
    uint16_t channels;
    uint16_t scales; // 1, or one for each channel
    int16_t min;
    int16_t max;
    const int16_t *multiplier; // [scales]: multiplier * 2^(shift - 15)
    const int8_t *shift;       // [scales], -31 to 7
} tk_output_s16;

typedef struct {
    uint16_t inputs;
    const int8_t *weights; // [out.channels][inputs]
    const int64_t *bias;   // [out.channels]
    tk_output_s16 out;
} tk_dense_s16_layer;

typedef struct {
    uint16_t inputs;
    const int8_t *weights; // as in tk_sparse_layer
    const uint8_t *indices;
    const uint8_t *counts;
    const int64_t *bias;
    tk_output_s16 out;
} tk_sparse_s16_layer;

typedef struct {
    tk_window window;
    tk_dense_s16_layer dense;
} tk_conv_s16_layer;

typedef struct {
    tk_window window;
    tk_sparse_s16_layer sparse;
} tk_conv_sparse_s16_layer;

typedef struct {
    uint16_t groups;
    tk_window window;
    tk_dense_s16_layer dense; // inputs are those of one group, outputs those of all
} tk_conv_grouped_s16_layer;

typedef struct {
    uint16_t multiplier;   // output channels for each input channel
    const int8_t *weights; // [kernel_height][kernel_width][out.channels]
    const int64_t *bias;   // [out.channels]
    tk_window window;
    tk_output_s16 out;
} tk_depthwise_s16_layer;

typedef struct {
    int16_t min;
    int16_t max;
    tk_window window;
} tk_pool_s16_layer;

// The argument of the function is value * multiplier / 2^shift.
typedef struct {
    uint32_t count;
    int32_t multiplier;
    uint32_t shift;
} tk_curve_s16_layer;

typedef struct {
    uint32_t count;
    int8_t sign; // of the slope below zero
    int8_t shift, slope_shift;
    int32_t multiplier, slope_multiplier;
} tk_leaky_relu_s16_layer;

typedef struct {
    uint32_t count;
    int16_t min;
    int16_t max;
} tk_clip_s16_layer;

typedef struct {
    uint16_t rows, classes;
    int8_t shift;
    int32_t multiplier;
    const int16_t *exponentials; // [513]: exp of -10 to 0 in Q0.15
    const int16_t *reciprocals;  // [513]: 1 / (1 + x) of 0 to 1 in Q0.15
} tk_softmax_s16_layer;

// A product of matrices for each of up to three axes of batches. Steps are in bytes: an axis that
// is repeated has the step 0, a matrix that is transposed has its two steps exchanged.
typedef struct {
    uint16_t batches[3];
    uint16_t rows, depth, columns;
    int32_t a_batch[3], a_row, a_depth;
    int32_t b_batch[3], b_depth, b_column;
    int8_t a_zero, b_zero, out_zero, shift;
    int32_t multiplier;
} tk_batch_matmul_layer;

// The arithmetic of an LSTM. Each of its four gates (input, forget, cell, output) has two products,
// of the inputs and of the hidden state, which are rescaled apart: entries 2 * gate and 2 * gate
// + 1.
typedef struct {
    int32_t product_multiplier[8];
    int8_t product_shift[8];
    int8_t forget_shift, input_shift, hidden_shift;
    int8_t hidden_zero;
    int32_t forget_multiplier, input_multiplier, hidden_multiplier;
    int32_t tanh_multiplier; // of the cell state, for tk_table_argument
    uint32_t tanh_shift;
    int16_t cell_clip; // -1: none
} tk_lstm_scaling;

// Rows of weights lie unit after unit, in each the 8 products.
typedef struct {
    uint16_t steps, inputs, units;
    const int8_t *weights;
    const int32_t *bias; // [units][8], the zero points are folded in
    tk_lstm_scaling scaling;
} tk_lstm_layer;

typedef struct {
    uint16_t steps, inputs, units;
    const int8_t *weights;
    const uint8_t *indices;
    const uint8_t *counts; // of each row's segments
    const int32_t *bias;
    tk_lstm_scaling scaling;
} tk_lstm_sparse_layer;

// Filters of rank 1 over time: `rank` of them for each unit, each remembering `memory` values.
typedef struct {
    uint16_t inputs, units, rank, memory;
    const int8_t *features;      // [units * rank][inputs]
    const int32_t *feature_bias; // [units * rank], the input's zero point is folded in
    const int32_t *bias;         // [units]
    int32_t feature_multiplier, multiplier;
    int8_t feature_shift, shift;
    int8_t state_zero, out_zero;
} tk_svdf_features;

typedef struct {
    tk_svdf_features filters;
    const int8_t *times; // [units * rank][memory]
} tk_svdf_layer;

typedef struct {
    tk_svdf_features filters;
    const int16_t *times;
} tk_svdf_s16_layer;

// Two nested loops over a tensor; the steps are in elements.
typedef struct {
    uint32_t outer, outer_step;
    uint32_t inner, inner_step;
} tk_grid;

// Each output is one place of `kept`, from all places of `reduced`.
typedef struct {
    tk_grid kept, reduced;
    int32_t in_offset; // less the zero point, as often as values are summed
    int8_t out_zero;
    int8_t shift;
    int32_t multiplier; // of a mean, 1 / count is folded in
} tk_reduce_sum_layer;

typedef struct {
    tk_grid kept, reduced;
    int8_t flip; // 0 finds the greatest; -1 turns all bits, and so finds the least
} tk_reduce_max_layer;

// The same with one loop more around both, as 6 dimensions can need.
typedef struct {
    uint32_t kept, kept_step, reduced, reduced_step;
    tk_reduce_sum_layer grid;
} tk_reduce_sum_cube_layer;

typedef struct {
    uint32_t kept, kept_step, reduced, reduced_step;
    tk_reduce_max_layer grid;
} tk_reduce_max_cube_layer;

// How a sum of input values becomes an output, in ADD_N and CUMSUM.
typedef struct {
    int32_t multiplier;
    int8_t shift;
    int8_t in_zero, out_zero;
} tk_total;

#define TK_TERMS 8
typedef struct {
    tk_total total;
    uint32_t count, terms;
} tk_add_n_layer;

// Both tensors of a CUMSUM are [outer][count][inner].
typedef struct {
    uint32_t outer, count, inner;
    uint8_t exclusive, reverse;
} tk_lines;

typedef struct {
    tk_total total;
    tk_lines lines;
} tk_cumsum_layer;

typedef struct {
    uint32_t rows, length;
    int8_t in_zero;
} tk_l2_normalization_layer;

// The input is [outer][count][inner], the output the places in `count` as int32, [outer][inner].
typedef struct {
    uint32_t outer, count, inner;
    int8_t flip;
} tk_place_layer;

typedef struct {
    uint16_t rows, classes, entries;
    const int32_t *exponentials; // [entries]: exp of 0, -1, -2, .. input steps, Q0.31
} tk_softmax_layer;

typedef struct {
    tk_softmax_layer softmax;
    int8_t shift, back_shift;
    int32_t multiplier;      // from input steps to Q5.26
    int32_t back_multiplier; // and back
} tk_log_softmax_layer;

typedef struct {
    uint32_t count;
    const int8_t *answers; // [256], for -128 to 127
} tk_lookup_layer;

// How a kernel walks through two tensors, `a` and `b`, either of which may be repeated over the
// other: rows of outputs, and loops around them, the innermost first. Steps are in bytes.
#define TK_BROADCAST_LOOPS 5 // with the row as many as TFLM allows dimensions
typedef struct {
    uint32_t row;
    uint8_t a_step, b_step; // 0 where a row needs one value only
    uint8_t loops;
    const uint32_t *loop; // [loops][3]: rounds, and the steps of `a` and `b` between them
} tk_broadcast;

// ADD, SUB and SQUARED_DIFFERENCE.
typedef struct {
    tk_broadcast shape;
    int8_t a_zero, b_zero, out_zero;
    int8_t min, max;
    int8_t a_shift, b_shift, out_shift;
    int32_t a_multiplier, b_multiplier, out_multiplier;
} tk_sum_layer;

// ADD of two tensors of one shape, the one of the larger scale first. Shifts are to the right.
typedef struct {
    uint32_t count;
    int8_t zero, min, max;
    uint8_t fine_shift, shift; // 0 to 31, 1 to 22
    int32_t coarse_offset;     // less the zero point, in units of 2^20
    int32_t fine_offset;       // in units of 2^21
    int32_t fine_multiplier, multiplier;
} tk_add_alike_layer;

// ADD and SUB of two tensors, the one of the larger scale first, either repeated over the other:
// sign * (coarse + fine_sign * fine).
typedef struct {
    tk_broadcast shape;
    int8_t coarse_zero, fine_zero, zero;
    int8_t min, max;
    int8_t fine_sign, sign;
    uint8_t fine_shift, shift; // 0 to 31, 1 to 22
    int32_t fine_multiplier, multiplier;
} tk_sum_plain_layer;

typedef struct {
    tk_broadcast shape;
    int8_t a_zero, b_zero, out_zero;
    int8_t min, max, out_shift; // tk_multiply_plain_s8: -22 to -1
    int32_t out_multiplier;
} tk_product_layer;

// `b` are the slopes of `a` below zero.
typedef struct {
    tk_broadcast shape;
    int8_t a_zero, b_zero, out_zero;
    int8_t min, max;
    int8_t out_shift, slope_shift;
    int32_t out_multiplier, slope_multiplier;
} tk_prelu_layer;

// ADD, SUB and SQUARED_DIFFERENCE of int16, and MUL.
typedef struct {
    tk_broadcast shape;
    int16_t min, max;
    int8_t a_shift, b_shift, out_shift;
    int32_t a_multiplier, b_multiplier, out_multiplier;
} tk_sum_s16_layer;

typedef struct {
    tk_broadcast shape;
    int16_t min, max;
    int8_t out_shift;
    int32_t out_multiplier;
} tk_product_s16_layer;

// ADD, SUB, MUL and DIV of float32 or int32.
typedef struct {
    tk_broadcast shape;
    float min, max;
} tk_pair_f32_layer;

typedef struct {
    tk_broadcast shape;
    int32_t min, max;
} tk_pair_s32_layer;

// Comparisons: for which relations the answer is 1. NaN is unordered.
#define TK_LESS      1u
#define TK_EQUAL     2u
#define TK_GREATER   4u
#define TK_UNORDERED 8u
typedef struct {
    tk_broadcast shape;
    uint8_t truth;
} tk_compare_layer;

typedef struct {
    tk_compare_layer compare;
    int8_t a_zero, b_zero;
    int8_t a_shift, b_shift;
    int32_t a_multiplier, b_multiplier;
} tk_compare_s8_layer;

// The same walk as a tk_broadcast, of a condition and two tensors with values of `width` bytes.
typedef struct {
    uint32_t row;
    uint8_t steps[3];
    uint8_t width;
    uint8_t loops;
    const uint32_t *loop; // [loops][4]
} tk_select_layer;

typedef struct {
    uint32_t count;
} tk_values_layer;

typedef struct {
    uint32_t count;
    float min, max;
} tk_clip_f32_layer;

typedef struct {
    uint32_t count;
    float slope; // below zero
} tk_leaky_f32_layer;

typedef struct {
    uint32_t count;
    int8_t in_zero, out_zero, shift;
    int32_t multiplier;
} tk_requantize_layer;

typedef struct {
    uint32_t count;
    int8_t zero;
    float scale;
} tk_scale_layer;

// The steps are the distances of two output places in the input, in 1/1024.
typedef struct {
    uint16_t batch, in_height, in_width, out_height, out_width, channels;
    uint8_t half_pixel;
    int32_t row_step, column_step;
} tk_resize_layer;

// One axis of a copy, its steps in bytes. Place i reads index[i] steps from the start, or i steps
// without an index; TK_OUTSIDE reads nothing.
#define TK_OUTSIDE 0xffff
typedef struct {
    uint32_t count;
    int32_t src_step, dst_step;
    const uint16_t *index; // [count], or 0
} tk_axis;

#define TK_COPY_AXES 5
typedef struct {
    uint8_t axes;
    uint8_t backward; // go from the last place to the first
    int8_t fill;      // what is written where nothing is read
    uint32_t run;     // bytes that stay together
    uint32_t src_start, dst_start;
    tk_axis axis[TK_COPY_AXES]; // the outermost first
} tk_copy_layer;

// The input is [batches][outer][places][run], the positions [batches][taken].
typedef struct {
    uint32_t batches, outer, places, taken;
    uint32_t run; // bytes
} tk_take_layer;

// The input is [places][run], the positions [taken][axes].
#define TK_TAKE_ND_AXES 5
typedef struct {
    uint32_t taken, places;
    uint32_t run; // bytes
    uint32_t axes;
    uint32_t step[TK_TAKE_ND_AXES]; // places between neighbours on each axis
} tk_take_nd_layer;

void tk_dense_s8(const tk_dense_layer *layer, const int8_t *src, int8_t *dst);
void tk_sparse_s8(const tk_sparse_layer *layer, const int8_t *src, int8_t *dst);
void tk_block_s8(const tk_sparse_layer *layer, const int8_t *src, int8_t *dst);
void tk_bitmap_s8(const tk_bitmap_layer *layer, const int8_t *src, int8_t *dst);
void tk_codebook_s8(const tk_codebook_layer *layer, const int8_t *src, int8_t *dst);

// As tk_codebook_s8, for plain outputs. `scratch` holds 1024 bytes, and behind them 2 for each
// input, filled up to a multiple of TK_CODEBOOK_WORD; it lies at a multiple of 4 bytes.
void tk_codebook_pairs_s8(const tk_codebook_layer *layer, const int8_t *src, int8_t *dst,
                          int8_t *scratch);

// As tk_sparse_s8 and tk_block_s8, for plain outputs.
void tk_sparse_plain_s8(const tk_sparse_layer *layer, const int8_t *src, int8_t *dst);
void tk_block_plain_s8(const tk_sparse_layer *layer, const int8_t *src, int8_t *dst);

// `scratch` holds the inputs filled up to a multiple of 4, unless they are one.
void tk_dense_packed_s8(const tk_dense_packed_layer *layer, const int8_t *src, int8_t *dst,
                        int8_t *scratch);
void tk_dense_large_s8(const tk_dense_packed_layer *layer, const int8_t *src, int8_t *dst,
                       int8_t *scratch);

// `column` has kernel_height * kernel_width * channels bytes; it is not used by a 1x1 kernel
// without padding.
void tk_conv_s8(const tk_conv_layer *layer, const int8_t *src, int8_t *dst, int8_t *column);
void tk_conv_sparse_s8(const tk_conv_sparse_layer *layer, const int8_t *src, int8_t *dst,
                       int8_t *column);
void tk_conv_block_s8(const tk_conv_block_layer *layer, const int8_t *src, int8_t *dst,
                      int8_t *column);
void tk_conv_bitmap_s8(const tk_conv_bitmap_layer *layer, const int8_t *src, int8_t *dst,
                       int8_t *column);
void tk_conv_codebook_s8(const tk_conv_codebook_layer *layer, const int8_t *src, int8_t *dst,
                         int8_t *column);

// `scratch` holds a tile of 4 columns, 16 * pairs bytes, and behind it the bytes of a row of the
// window unless none is gathered; it lies at a multiple of 4 bytes.
void tk_conv_packed_s8(const tk_conv_packed_layer *layer, const int8_t *src, int8_t *dst,
                       int8_t *scratch);
void tk_conv_large_s8(const tk_conv_packed_layer *layer, const int8_t *src, int8_t *dst,
                      int8_t *scratch);
void tk_conv_block_tile_s8(const tk_conv_packed_layer *layer, const int8_t *src, int8_t *dst,
                           int8_t *scratch);

// The same of columns filled up to multiples of TK_CODEBOOK_WORD inputs, and of the bytes of a
// whole window.
void tk_conv_codebook_tile_s8(const tk_conv_codebook_tile_layer *layer, const int8_t *src,
                              int8_t *dst, int8_t *scratch);

// `scratch` holds a tile of 8 bytes for each input, and behind it the bytes of 4 rows of the window
// unless none is gathered; it lies at a multiple of 4 bytes.
void tk_conv_sparse_tile_s8(const tk_conv_sparse_tile_layer *layer, const int8_t *src, int8_t *dst,
                            int8_t *scratch);
void tk_conv_bitmap_tile_s8(const tk_conv_bitmap_tile_layer *layer, const int8_t *src, int8_t *dst,
                            int8_t *scratch);

void tk_conv_grouped_s8(const tk_conv_grouped_layer *layer, const int8_t *src, int8_t *dst,
                        int8_t *column);
void tk_depthwise_s8(const tk_depthwise_layer *layer, const int8_t *src, int8_t *dst);
void tk_depthwise_quads_s8(const tk_depthwise_layer *layer, const int8_t *src, int8_t *dst);

// int16 tensors lie in the arena at even places, and so does `column`, which has 2 bytes a value.
void tk_dense_s16(const tk_dense_s16_layer *layer, const void *src, void *dst);
void tk_sparse_s16(const tk_sparse_s16_layer *layer, const void *src, void *dst);
void tk_conv_s16(const tk_conv_s16_layer *layer, const void *src, void *dst, void *column);
void tk_conv_sparse_s16(const tk_conv_sparse_s16_layer *layer, const void *src, void *dst,
                        void *column);
void tk_conv_grouped_s16(const tk_conv_grouped_s16_layer *layer, const void *src, void *dst,
                         void *column);
void tk_depthwise_s16(const tk_depthwise_s16_layer *layer, const void *src, void *dst);
void tk_average_pool_s16(const tk_pool_s16_layer *layer, const void *src, void *dst);
void tk_max_pool_s16(const tk_pool_s16_layer *layer, const void *src, void *dst);

// In these `dst` may be `src`.
void tk_reduce_sum_s16(const tk_reduce_sum_layer *layer, const void *src, void *dst);
void tk_reduce_sum_cube_s16(const tk_reduce_sum_cube_layer *layer, const void *src, void *dst);
void tk_softmax_s16(const tk_softmax_s16_layer *layer, const void *src, void *dst);
void tk_logistic_s16(const tk_curve_s16_layer *layer, const void *src, void *dst);
void tk_tanh_s16(const tk_curve_s16_layer *layer, const void *src, void *dst);
void tk_leaky_relu_s16(const tk_leaky_relu_s16_layer *layer, const void *src, void *dst);
void tk_clip_s16(const tk_clip_s16_layer *layer, const void *src, void *dst);
void tk_requantize_s16(const tk_requantize_layer *layer, const void *src, void *dst);

// In these `dst` may be `a` or `b` where it is not repeated.
void tk_add_s16(const tk_sum_s16_layer *layer, const void *a, const void *b, void *dst);
void tk_subtract_s16(const tk_sum_s16_layer *layer, const void *a, const void *b, void *dst);
void tk_squared_difference_s16(const tk_sum_s16_layer *layer, const void *a, const void *b,
                               void *dst);
void tk_multiply_s16(const tk_product_s16_layer *layer, const void *a, const void *b, void *dst);
void tk_maximum_s16(const tk_broadcast *layer, const void *a, const void *b, void *dst);
void tk_minimum_s16(const tk_broadcast *layer, const void *a, const void *b, void *dst);

void tk_requantize_s16_s8(const tk_requantize_layer *layer, const void *src, int8_t *dst);
void tk_requantize_s8_s16(const tk_requantize_layer *layer, const int8_t *src, void *dst);
void tk_requantize_u8_s8(const tk_requantize_layer *layer, const void *src, int8_t *dst);
void tk_requantize_s8_u8(const tk_requantize_layer *layer, const int8_t *src, void *dst);
void tk_dequantize_u8_f32(const tk_scale_layer *layer, const void *src, int8_t *dst);
void tk_quantize_f32_s16(const tk_scale_layer *layer, const int8_t *src, void *dst);
void tk_dequantize_s16_f32(const tk_scale_layer *layer, const void *src, int8_t *dst);
// `scratch` holds the taps of a channel as pairs, then the rows of a band; it lies at a multiple of
// 4 bytes. `dst` may be `src` if the output is not wider.
void tk_depthwise_rows_s8(const tk_depthwise_rows_layer *layer, const int8_t *src, int8_t *dst,
                          int8_t *scratch);
void tk_depthwise_3x3_s8(const tk_depthwise_rows_layer *layer, const int8_t *src, int8_t *dst,
                         int8_t *scratch);

// `column` has room for the taps of the phase that has most.
void tk_transpose_conv_s8(const tk_transpose_conv_layer *layer, const int8_t *src, int8_t *dst,
                          int8_t *column);
void tk_transpose_conv_sparse_s8(const tk_transpose_conv_sparse_layer *layer, const int8_t *src,
                                 int8_t *dst, int8_t *column);

void tk_batch_matmul_s8(const tk_batch_matmul_layer *layer, const int8_t *a, const int8_t *b,
                        int8_t *dst);

void tk_average_pool_s8(const tk_pool_layer *layer, const int8_t *src, int8_t *dst);
void tk_max_pool_s8(const tk_pool_layer *layer, const int8_t *src, int8_t *dst);

void tk_resize_bilinear_s8(const tk_resize_layer *layer, const int8_t *src, int8_t *dst);

// In these `dst` may be `src`, and `a` or `b` where it is not repeated.
void tk_reduce_sum_s8(const tk_reduce_sum_layer *layer, const int8_t *src, int8_t *dst);
void tk_reduce_sum_cube_s8(const tk_reduce_sum_cube_layer *layer, const int8_t *src, int8_t *dst);
void tk_reduce_max_s8(const tk_reduce_max_layer *layer, const int8_t *src, int8_t *dst);
void tk_reduce_max_cube_s8(const tk_reduce_max_cube_layer *layer, const int8_t *src, int8_t *dst);
void tk_softmax_s8(const tk_softmax_layer *layer, const int8_t *src, int8_t *dst);
void tk_log_softmax_s8(const tk_log_softmax_layer *layer, const int8_t *src, int8_t *dst);
void tk_l2_normalization_s8(const tk_l2_normalization_layer *layer, const int8_t *src,
                            int8_t *dst); // `dst` may be `src`
void tk_cumsum_s8(const tk_cumsum_layer *layer, const int8_t *src, int8_t *dst); // here too

// The first `terms` of the inputs are read; `dst` may be any of them.
void tk_add_n_s8(const tk_add_n_layer *layer, const int8_t *a, const int8_t *b, const int8_t *c,
                 const int8_t *d, const int8_t *e, const int8_t *f, const int8_t *g,
                 const int8_t *h, int8_t *dst);
void tk_lookup_s8(const tk_lookup_layer *layer, const int8_t *src, int8_t *dst);
void tk_add_alike_s8(const tk_add_alike_layer *layer, const int8_t *coarse, const int8_t *fine,
                     int8_t *dst);
void tk_sum_plain_s8(const tk_sum_plain_layer *layer, const int8_t *coarse, const int8_t *fine,
                     int8_t *dst);
void tk_add_s8(const tk_sum_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst);
void tk_subtract_s8(const tk_sum_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst);
void tk_squared_difference_s8(const tk_sum_layer *layer, const int8_t *a, const int8_t *b,
                              int8_t *dst);
void tk_multiply_s8(const tk_product_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst);
void tk_multiply_plain_s8(const tk_product_layer *layer, const int8_t *a, const int8_t *b,
                          int8_t *dst);
void tk_prelu_s8(const tk_prelu_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst);
void tk_divide_s8(const tk_product_layer *layer, const int8_t *a, const int8_t *b, int8_t *dst);
void tk_maximum_s8(const tk_broadcast *layer, const int8_t *a, const int8_t *b, int8_t *dst);
void tk_minimum_s8(const tk_broadcast *layer, const int8_t *a, const int8_t *b, int8_t *dst);

// Floats and int32 lie in the arena at multiples of 4 bytes. NaN is NaN, with bits as they come.
void tk_add_f32(const tk_pair_f32_layer *layer, const void *a, const void *b, void *dst);
void tk_subtract_f32(const tk_pair_f32_layer *layer, const void *a, const void *b, void *dst);
void tk_multiply_f32(const tk_pair_f32_layer *layer, const void *a, const void *b, void *dst);
void tk_divide_f32(const tk_pair_f32_layer *layer, const void *a, const void *b, void *dst);
void tk_squared_difference_f32(const tk_broadcast *layer, const void *a, const void *b, void *dst);
void tk_maximum_f32(const tk_broadcast *layer, const void *a, const void *b, void *dst);
void tk_minimum_f32(const tk_broadcast *layer, const void *a, const void *b, void *dst);
void tk_prelu_f32(const tk_broadcast *layer, const void *a, const void *b, void *dst);

// These wrap where int32 ends; a division by 0 gives 0.
void tk_add_s32(const tk_pair_s32_layer *layer, const void *a, const void *b, void *dst);
void tk_subtract_s32(const tk_pair_s32_layer *layer, const void *a, const void *b, void *dst);
void tk_multiply_s32(const tk_pair_s32_layer *layer, const void *a, const void *b, void *dst);
void tk_divide_s32(const tk_pair_s32_layer *layer, const void *a, const void *b, void *dst);
void tk_squared_difference_s32(const tk_broadcast *layer, const void *a, const void *b, void *dst);
void tk_maximum_s32(const tk_broadcast *layer, const void *a, const void *b, void *dst);
void tk_minimum_s32(const tk_broadcast *layer, const void *a, const void *b, void *dst);

// Bool tensors are bytes of 0 and 1, which these write. In tk_compare_s8 they have the scale 1.
void tk_compare_s8(const tk_compare_s8_layer *layer, const void *a, const void *b, void *dst);
void tk_compare_s32(const tk_compare_layer *layer, const void *a, const void *b, void *dst);
void tk_compare_f32(const tk_compare_layer *layer, const void *a, const void *b, void *dst);
void tk_logical_and(const tk_broadcast *layer, const void *a, const void *b, void *dst);
void tk_logical_or(const tk_broadcast *layer, const void *a, const void *b, void *dst);
void tk_logical_not(const tk_values_layer *layer, const void *src, void *dst);
void tk_select(const tk_select_layer *layer, const void *condition, const void *x, const void *y,
               void *dst);

// From the first type to the second; `dst` may lie over `src` as far as codegen/access.py finds.
void tk_cast_s8_s16(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s8_s32(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s8_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s8_bool(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s16_s8(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s16_s32(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s16_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s16_bool(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s32_s8(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s32_s16(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s32_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_s32_bool(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_f32_s8(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_f32_s16(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_f32_s32(const tk_values_layer *layer, const void *src, void *dst);
void tk_cast_f32_bool(const tk_values_layer *layer, const void *src, void *dst);

void tk_absolute_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_negate_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_square_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_floor_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_ceiling_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_nearest_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_root_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_reciprocal_root_f32(const tk_values_layer *layer, const void *src, void *dst);
void tk_clip_f32(const tk_clip_f32_layer *layer, const void *src, void *dst);
void tk_cumsum_f32(const tk_lines *layer, const void *src, void *dst);
void tk_leaky_f32(const tk_leaky_f32_layer *layer, const void *src, void *dst);

void tk_requantize_s8(const tk_requantize_layer *layer, const int8_t *src, int8_t *dst);

// Moves elements of any type; the tensors may overlap as far as codegen/access.py finds.
void tk_copy(const tk_copy_layer *layer, const void *src, void *dst);

// `positions` are int32; one outside of the input takes its first or last place.
void tk_take(const tk_take_layer *layer, const void *src, const void *positions, void *dst);
void tk_take_nd(const tk_take_nd_layer *layer, const void *src, const void *positions, void *dst);

// ARG_MAX and ARG_MIN; int32 tensors lie in the arena at multiples of 4 bytes.
void tk_place_s8(const tk_place_layer *layer, const int8_t *src, int8_t *dst);

// A sequence of steps, from and to states that are kept: hidden is [units], cell is [units].
void tk_lstm_s8(const tk_lstm_layer *layer, const int8_t *src, int8_t *hidden, int16_t *cell,
                int8_t *dst);
void tk_lstm_sparse_s8(const tk_lstm_sparse_layer *layer, const int8_t *src, int8_t *hidden,
                       int16_t *cell, int8_t *dst);

// One step; state is [units * rank][memory].
void tk_svdf_s8(const tk_svdf_layer *layer, const int8_t *src, int8_t *state, int8_t *dst);
void tk_svdf_s16(const tk_svdf_s16_layer *layer, const int8_t *src, int16_t *state, int8_t *dst);

// What resets states.
void tk_fill(void *dst, uint32_t bytes, uint8_t value);
void tk_copy_bytes(void *dst, const void *src, uint32_t bytes);

// Float tensors lie in the arena at multiples of 4 bytes.
void tk_quantize_f32_s8(const tk_scale_layer *layer, const int8_t *src, int8_t *dst);
void tk_dequantize_s8_f32(const tk_scale_layer *layer, const int8_t *src, int8_t *dst);

#endif
