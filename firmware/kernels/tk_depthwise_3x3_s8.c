// DEPTHWISE_CONV_2D of 3x3 on a core with DSP instructions: four channels at a time, along rows of
// 16 bits.
//
// Rows of the image are taken apart once, so that neighbouring taps of a channel lie together and
// two of them are one multiplication. A ring holds as many rows as fit the scratch buffer; around
// them it holds the zero point, for taps outside of the image.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_filter3.h"

// Four channels at work, or the last ones.
typedef struct {
    const tk_depthwise_rows_layer *layer;
    const int8_t *src;
    uint32_t lanes, channel;
    tk_filter3 *filters;
    int16_t *planes;               // a ring for each channel
    uint32_t plane;                // values of one
    uint32_t pixel_step, row_step; // of the image, in bytes
} work;

static uint32_t twice(uint32_t pair) { return (pair << 1) & ~UINT32_C(0x10000); }

// 8 instructions a row of taps; the word behind the last one is not used.
static void unpack(const int8_t *weights, uint32_t *taps)
{
    for (uint32_t ky = 0; ky < 3; ky++, weights += 3, taps += 2) {
        const uint32_t word = tk_load_word(weights);
        const uint32_t even = twice(tk_even_bytes(word)); // 0 2
        const uint32_t odd = twice(tk_odd_bytes(word));   // 1 -
        taps[0] = (even & 0xffffu) | (odd << 16);
        taps[1] = (odd & 0xffffu) | (even & ~UINT32_C(0xffff));
    }
}

static void set_filters(const work *at)
{
    const tk_depthwise_rows_layer *layer = at->layer;
    for (uint32_t lane = 0; lane < at->lanes; lane++) {
        const uint32_t channel = at->channel + lane;
        const uint32_t scale = layer->out.scales > 1 ? channel : 0;
        tk_filter3 *filter = &at->filters[lane];
        unpack(layer->weights + 9 * channel, filter->taps);
        filter->bias = 2 * layer->bias[channel];
        filter->multiplier = layer->out.multiplier[scale];
        filter->shift = (uint32_t)-layer->out.shift[scale];
        filter->half = tk_half(filter->shift, layer->out.zero);
    }
}

static void fill(int16_t *values, int16_t value, uint32_t count)
{
    for (const int16_t *end = values + count; values < end;) {
        *values++ = value;
    }
}

// Takes row `y` of the image apart, which may lie outside, into a row of the ring.
static void read_row(const work *at, int32_t y, int16_t *row)
{
    const tk_window *window = &at->layer->window;
    row += window->pad_width;
    if (y < 0 || y >= window->in_height) {
        for (uint32_t lane = 0; lane < at->lanes; lane++) {
            fill(row + lane * at->plane, at->layer->in_zero, window->in_width);
        }
        return;
    }
    const int8_t *src = at->src + (uint32_t)y * at->row_step;
    if (at->lanes == TK_LANES) {
        tk_planes_s8(src, at->pixel_step, row, sizeof *row * at->plane, window->in_width);
        return;
    }
    for (uint32_t lane = 0; lane < at->lanes; lane++) {
        for (uint32_t x = 0; x < window->in_width; x++) {
            row[lane * at->plane + x] = src[x * at->pixel_step + lane];
        }
    }
}

// Returns how many rows of outputs can be computed before a row of their windows is the ring's
// first.
static uint32_t rows_together(const tk_depthwise_rows_layer *layer, const uint32_t *slots,
                              uint32_t most)
{
    if (layer->across) {
        return 1; // tk_filter3_s8 writes rows that follow on each other
    }
    for (uint32_t ky = 0; ky < 3; ky++) {
        const uint32_t fitting = (layer->band - 1u - slots[ky]) / layer->window.stride_height + 1;
        most = fitting < most ? fitting : most;
    }
    return most;
}

static void filter_lanes(const work *at, tk_filter3_rows *rows, int8_t *dst)
{
    const tk_depthwise_rows_layer *layer = at->layer;
    const tk_window *window = &layer->window;
    const uint32_t ring = layer->band;
    const uint32_t stride = window->stride_height;
    const uint32_t needed = (window->out_height - 1u) * stride + 3;
    uint32_t next = 0; // row to be read, counted from the first window's
    for (uint32_t top = 0; top + 3 <= needed; top += rows->rows * stride) {
        const uint32_t end = top + ring < needed ? top + ring : needed;
        for (next = next > top ? next : top; next < end; next++) {
            read_row(at, (int32_t)next - window->pad_height,
                     at->planes + next % ring * layer->width);
        }
        const uint32_t slots[3] = {top % ring, (top + 1) % ring, (top + 2) % ring};
        rows->rows = rows_together(layer, slots, (end - top - 3) / stride + 1);
        for (uint32_t lane = 0; lane < at->lanes; lane++) {
            const int16_t *plane = at->planes + lane * at->plane;
            rows->dst = dst + lane;
            tk_filter3_s8(&at->filters[lane], plane + slots[0] * layer->width,
                          plane + slots[1] * layer->width, plane + slots[2] * layer->width, rows);
        }
        dst += layer->across ? window->channels : rows->rows * window->out_width * rows->step;
    }
}

void tk_depthwise_3x3_s8(const tk_depthwise_rows_layer *layer, const int8_t *src, int8_t *dst,
                         int8_t *scratch)
{
    const tk_window *window = &layer->window;
    const uint32_t channels = window->channels;
    const uint32_t stride = window->stride_width;
    const uint32_t row_step = 2u * layer->width * window->stride_height;
    const uint32_t across = (uint32_t)window->in_height * channels;
    tk_filter3_rows rows = {
        .step = layer->across ? across : channels,
        .reach = 2u * window->out_width * stride,
        .next_row = (int32_t)(row_step - (window->out_width + 1u) / 2u * 4u * stride),
        .row_step = row_step,
        .stride = stride,
    };
    work at = {.layer = layer, .filters = (tk_filter3 *)(void *)scratch};
    at.pixel_step = rows.step;
    at.row_step = layer->across ? channels : window->in_width * channels;
    at.planes = (int16_t *)(void *)(at.filters + TK_LANES);
    at.plane = (uint32_t)layer->band * layer->width;
    fill(at.planes, layer->in_zero, TK_LANES * at.plane);
    for (; at.channel < channels; at.channel += TK_LANES) {
        const uint32_t left = channels - at.channel;
        at.lanes = left < TK_LANES ? left : TK_LANES;
        at.src = src + at.channel;
        set_filters(&at);
        filter_lanes(&at, &rows, dst + at.channel);
    }
    if (layer->out.min > INT8_MIN || layer->out.max < INT8_MAX) {
        const int8_t *end = dst + (uint32_t)window->out_height * window->out_width * channels;
        for (; dst < end; dst++) {
            *dst = tk_clamp(*dst, layer->out.min, layer->out.max);
        }
    }
}
