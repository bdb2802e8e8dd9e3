// Asks the kernels how they get from a sum to an output, for tests/test_finish.py: each adds up
// nothing but its bias. For questions of sum, multiplier, shift and zero point the answers are
// those of tk_tile_s8 and tk_tile_large_s8, even row and odd row each, of tk_filter3_s8, and of
// tk_rows_s8 and tk_rows_large_s8, even row and odd row each. The even row of those that join rows
// has the sum that was asked for, the odd row what is left of it in 24 bits. The last two are those
// of tk_terms_s8: of a sum of nothing but the coarser term, and of nothing but the finer one, which
// is rounded twice, then by 1/4.
//
// SPDX-License-Identifier: Apache-2.0
#include "tk_filter3.h"
#include "tk_rows.h"
#include "tk_terms.h"
#include "tk_tile.h"

#define MOST 20000

int32_t questions[MOST][4];
int8_t answers[MOST][11];
uint32_t question_count;

void finish_all(void);

static const uint32_t zeros[2 * TK_TILE_COLUMNS];

// The sum of an odd row beside 256 times as much.
static uint32_t joined(int32_t sum)
{
    const int32_t odd = (int32_t)((uint32_t)sum << 8) >> 8;
    return (uint32_t)sum + 256 * (uint32_t)odd;
}

static void ask_tile(tk_tile_kernel *kernel, uint32_t odd, const int32_t *question, int8_t *answer)
{
    const uint32_t sum = (uint32_t)question[0];
    const uint32_t doubled = 2 * (uint32_t)question[1];
    const uint32_t less = (uint32_t)(-question[2] - 1);
    const uint32_t record[TK_TILE_RECORD] = {sum, odd, doubled, doubled, less | less << 8};
    int8_t outputs[TK_TILE_COLUMNS][2];
    tk_tile tile = {.channels = 2, .zero = 2 * question[3] + 1};
    for (uint32_t i = 0; i < TK_TILE_COLUMNS; i++) {
        tile.dst[i] = outputs[i];
    }
    kernel(zeros, record, zeros, zeros + 2 * TK_TILE_COLUMNS, tile);
    answer[0] = outputs[TK_TILE_COLUMNS - 1][0];
    answer[1] = outputs[0][1];
}

static void ask_filter(const int32_t *question, int8_t *answer)
{
    const uint32_t shift = (uint32_t)-question[2];
    const tk_filter3 filter = {.bias = 2 * question[0],
                               .multiplier = question[1],
                               .half = tk_half(shift, question[3]),
                               .shift = shift};
    const tk_filter3_rows rows = {
        .dst = answer, .step = 1, .reach = 2, .rows = 1, .row_step = 8, .stride = 1};
    const int16_t *inputs = (const int16_t *)(const void *)zeros;
    tk_filter3_s8(&filter, inputs, inputs, inputs, &rows);
}

static void ask_rows(tk_rows_kernel *kernel, uint32_t odd, const int32_t *question, int8_t *answer)
{
    const int32_t bias[TK_ROWS] = {question[0], (int32_t)odd};
    const int8_t shift = (int8_t)question[2];
    const tk_rows rows = {.bias = bias,
                          .multiplier = &question[1],
                          .shift = &shift,
                          .dst = answer,
                          .last = answer + 2,
                          .zero = 2 * question[3] + 1};
    const int8_t *column = (const int8_t *)zeros;
    kernel(zeros, column, column + 4, rows);
}

static void ask_terms(const int32_t *question, int8_t *answer)
{
    const uint32_t shift = (uint32_t)-question[2];
    const int8_t *none = (const int8_t *)zeros;
    const tk_terms coarse = {.coarse_offset = 2 * question[0],
                             .multiplier = question[1],
                             .half = tk_half(shift, question[3]),
                             .shift = shift};
    tk_terms_s8(none, none, answer, answer + 1, &coarse);
    const tk_terms fine = {.fine_offset = 2 * question[0],
                           .fine_multiplier = question[1],
                           .fine_half = (int32_t)((1u << shift) >> 1),
                           .fine_shift = shift,
                           .multiplier = 1 << 30,
                           .half = tk_half(1, question[3]),
                           .shift = 1};
    tk_terms_s8(none, none, answer + 1, answer + 2, &fine);
}

void finish_all(void)
{
    for (uint32_t i = 0; i < question_count; i++) {
        const int32_t *question = questions[i];
        const uint32_t sum = (uint32_t)question[0];
        ask_tile(tk_tile_s8, joined(question[0]), question, answers[i]);
        ask_tile(tk_tile_large_s8, sum, question, &answers[i][2]);
        ask_filter(question, &answers[i][4]);
        ask_rows(tk_rows_s8, joined(question[0]), question, &answers[i][5]);
        ask_rows(tk_rows_large_s8, sum, question, &answers[i][7]);
        ask_terms(question, &answers[i][9]);
    }
}
