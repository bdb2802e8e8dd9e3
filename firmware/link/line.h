// Commands that are a line of words, as MLPerf Tiny has them: bytes in, words out.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_LINE_H
#define TK_LINE_H

#include <stdbool.h>
#include <stdint.h>

#define TK_LINE_CHARACTERS 80u

typedef struct {
    char text[TK_LINE_CHARACTERS + 1]; // ends in 0 when the line is whole
    uint8_t count;
    bool overlong;
} tk_line;

typedef enum {
    TK_LINE_PARTIAL,  // feed more
    TK_LINE_WHOLE,    // the text may be read, and cut, until the next feed
    TK_LINE_OVERLONG, // dropped
} tk_line_status;

#define TK_MUST_CHECK __attribute__((warn_unused_result))

// The line starts as zeros.
TK_MUST_CHECK tk_line_status tk_line_feed(tk_line *line, uint8_t byte);

// Cuts the next word off; an empty one if there is none left.
char *tk_line_word(char **rest);

bool tk_line_is(const char *word, const char *name);

// Decimal digits alone, at most `most`, which is below 400 million.
TK_MUST_CHECK bool tk_line_number(const char *word, uint32_t most, uint32_t *number);

typedef enum {
    TK_HEX_OK = 0,
    TK_HEX_ODD,      // a digit is left over
    TK_HEX_NO_DIGIT, // something else is among the digits
} tk_hex_error;

typedef struct {
    uint8_t *bytes; // in the place of their digits
    uint32_t count;
    tk_hex_error error;
} tk_hex;

TK_MUST_CHECK tk_hex tk_line_hex(char *word);

#endif
