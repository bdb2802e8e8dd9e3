// DEPTHWISE_CONV_2D on a core with DSP instructions: channel by channel, from rows of 16 bits.
//
// A channel's rows are copied out of the image once, less the zero point and with zeros around, so
// that neighbouring taps lie together and two of them are one multiplication. As many rows as fit
// the scratch buffer are a band; those that the next band needs too move to its top.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_dsp.h"

// The channel at work.
typedef struct {
    const int8_t *src;
    uint32_t *taps;   // as pairs
    int16_t *rows;    // the band
    int32_t next_row; // of the image, to be copied next
    int8_t *dst;
    int32_t bias, multiplier, half;
    uint32_t shift;
} work;

// The pairs 0 1, 2 3, .. of each row.
static void unpack(const tk_window *window, const int8_t *weights, uint32_t *taps)
{
    const uint32_t width = window->kernel_width;
    for (uint32_t ky = 0; ky < window->kernel_height; ky++, weights += width) {
        uint32_t kx = 0;
        for (; kx + 1 < width; kx += 2) {
            *taps++ = tk_pair(weights[kx], weights[kx + 1]);
        }
        if (kx < width) {
            *taps++ = tk_pair(weights[kx], 0);
        }
    }
}

// 6 instructions a value.
static void copy_row(int16_t *row, const int8_t *src, uint32_t count, uint32_t step, int32_t zero)
{
    for (const int16_t *end = row + count; row < end; row++, src += step) {
        *row = (int16_t)(*src - zero);
    }
}

static void read_rows(const tk_depthwise_rows_layer *layer, work *at, int16_t *row, uint32_t count)
{
    const tk_window *window = &layer->window;
    for (; count > 0; count--, row += layer->width, at->next_row++) {
        if (at->next_row >= 0 && at->next_row < window->in_height) {
            const int8_t *src = at->src + at->next_row * window->in_width * window->channels;
            copy_row(row + window->pad_width, src, window->in_width, window->channels,
                     layer->in_zero);
        } else {
            __builtin_memset(row, 0, 2u * layer->width);
        }
    }
}

// 5 instructions for two taps.
static int32_t sum_at(const tk_depthwise_rows_layer *layer, const work *at, const int16_t *row)
{
    const uint32_t pairs = (layer->window.kernel_width + 1u) / 2u;
    const uint32_t *taps = at->taps;
    int32_t sum = at->bias;
    for (uint32_t ky = 0; ky < layer->window.kernel_height; ky++, row += layer->width) {
        const int16_t *inputs = row;
        for (const uint32_t *end = taps + pairs; taps < end; inputs += 2) {
            sum = tk_dot(tk_load_word(inputs), *taps++, sum);
        }
    }
    return sum;
}

static void filter_rows(const tk_depthwise_rows_layer *layer, work *at, uint32_t rows)
{
    const tk_window *window = &layer->window;
    for (uint32_t y = 0; y < rows; y++) {
        const int16_t *row = at->rows + y * window->stride_height * layer->width;
        for (uint32_t x = 0; x < window->out_width; x++, row += window->stride_width) {
            const int32_t sum = sum_at(layer, at, row);
            *at->dst = tk_finish_plain(sum, at->multiplier, at->shift, at->half);
            at->dst += layer->out.channels;
        }
    }
}

static void filter_channel(const tk_depthwise_rows_layer *layer, work *at)
{
    const tk_window *window = &layer->window;
    uint32_t filled = 0;
    at->next_row = -window->pad_height;
    for (uint32_t y = 0; y < window->out_height; y += layer->band) {
        const uint32_t left = window->out_height - y;
        const uint32_t count = left < layer->band ? left : layer->band;
        const uint32_t needed = (count - 1) * window->stride_height + window->kernel_height;
        read_rows(layer, at, at->rows + filled * layer->width, needed - filled);
        filter_rows(layer, at, count);
        const uint32_t used = count * window->stride_height;
        filled = needed > used ? needed - used : 0;
        at->next_row += used > needed ? (int32_t)(used - needed) : 0; // rows between two windows
        if (count < left && filled > 0) {
            __builtin_memmove(at->rows, at->rows + used * layer->width, 2 * filled * layer->width);
        }
    }
}

static void clip(const tk_depthwise_rows_layer *layer, int8_t *dst)
{
    const tk_window *window = &layer->window;
    const uint32_t count = (uint32_t)window->out_height * window->out_width;
    for (uint32_t i = 0; i < count; i++, dst += layer->out.channels) {
        *dst = tk_clamp(*dst, layer->out.min, layer->out.max);
    }
}

void tk_depthwise_rows_s8(const tk_depthwise_rows_layer *layer, const int8_t *src, int8_t *dst,
                          int8_t *scratch)
{
    const tk_window *window = &layer->window;
    const uint32_t size = (uint32_t)window->kernel_height * window->kernel_width;
    const uint32_t pairs = (window->kernel_width + 1u) / 2u;
    const uint32_t rows = (layer->band - 1u) * window->stride_height + window->kernel_height;
    work at = {.taps = (uint32_t *)(void *)scratch};
    at.rows = (int16_t *)(void *)(at.taps + window->kernel_height * pairs);
    __builtin_memset(at.rows, 0, 2 * rows * layer->width);
    for (uint32_t channel = 0; channel < window->channels; channel++) {
        unpack(window, layer->weights + channel * size, at.taps);
        at.src = src + channel;
        at.dst = dst + channel;
        at.bias = layer->bias[channel];
        at.multiplier = layer->out.multiplier[layer->out.scales > 1 ? channel : 0];
        at.shift = (uint32_t)-layer->out.shift[layer->out.scales > 1 ? channel : 0];
        at.half = tk_half(at.shift, layer->out.zero);
        filter_channel(layer, &at);
        if (layer->out.min > INT8_MIN || layer->out.max < INT8_MAX) {
            clip(layer, dst + channel);
        }
    }
}
