// FULLY_CONNECTED with weights of at most 16 values on a core with DSP instructions: eight bits
// tell two weights, which are looked up as one word among the 256 pairs that a book makes.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_pair_sum.h"
#include "tk_s16.h"

// Each sixteen pairs are the ones before with another value in the high half.
static void fill_pairs(uint32_t *pairs, const int8_t *values)
{
    for (uint32_t first = 0; first < TK_CODEBOOK_VALUES; first++) {
        pairs[first] = tk_pair(values[first], values[0]);
    }
    for (uint32_t second = 1; second < TK_CODEBOOK_VALUES; second++) {
        const uint32_t more = (uint32_t)(values[second] - values[second - 1]) << 16;
        for (const uint32_t *end = pairs + TK_CODEBOOK_VALUES; pairs < end; pairs += 4) {
            pairs[TK_CODEBOOK_VALUES] = pairs[0] + more;
            pairs[TK_CODEBOOK_VALUES + 1] = pairs[1] + more;
            pairs[TK_CODEBOOK_VALUES + 2] = pairs[2] + more;
            pairs[TK_CODEBOOK_VALUES + 3] = pairs[3] + more;
        }
    }
}

// Codes behind the last input see zeros, whatever they tell.
static void widen(const int8_t *src, uint32_t count, tk_s16 *inputs, uint32_t filled)
{
    for (uint32_t i = 0; i < filled; i++) {
        inputs[i] = i < count ? src[i] : 0;
    }
}

static int8_t finish(const tk_output *out, uint32_t row, int32_t sum)
{
    const uint32_t scale = out->scales > 1 ? row : 0, shift = (uint32_t)-out->shift[scale];
    return tk_finish_plain(sum, out->multiplier[scale], shift, tk_half(shift, out->zero));
}

// Rows wait for their book, so that each one's pairs are made once.
void tk_codebook_pairs_s8(const tk_codebook_layer *layer, const int8_t *src, int8_t *dst,
                          int8_t *scratch)
{
    const tk_output *out = &layer->out;
    const uint8_t *books = layer->books;
    const uint32_t words = (layer->inputs + TK_CODEBOOK_WORD - 1u) / TK_CODEBOOK_WORD;
    const uint32_t channels = out->channels;
    uint32_t *pairs = (uint32_t *)(void *)scratch, *inputs = pairs + TK_PAIRS;
    widen(src, layer->inputs, (tk_s16 *)(void *)inputs, TK_CODEBOOK_WORD * words);
    uint32_t left = channels;
    for (uint32_t book = 0; left > 0; book++) {
        fill_pairs(pairs, layer->values + TK_CODEBOOK_VALUES * book);
        for (uint32_t row = 0; row < channels; row++) {
            if (books[row] == book) {
                const uint32_t *codes = layer->codes + words * row;
                const int32_t sum = tk_pair_sum_s8(codes, codes + words, pairs, inputs);
                dst[row] = finish(out, row, sum + layer->bias[row]);
                left--;
            }
        }
    }
    tk_clip_outputs(dst, dst + channels, out->min, out->max);
}
