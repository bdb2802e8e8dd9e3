// Commands of one line as they arrive: bounded, cut into words.
//
// SPDX-License-Identifier: Apache-2.0
#include "line.h"

#define LINE_END '%'

// What a terminal adds, and the nothing that an unplugged line may be read as.
static bool is_silent(uint8_t byte) { return (byte == '\r') || (byte == '\n') || (byte == '\0'); }

static tk_line_status end_line(tk_line *line)
{
    const tk_line_status status = line->overlong ? TK_LINE_OVERLONG : TK_LINE_WHOLE;
    line->text[line->count] = '\0';
    line->count = 0;
    line->overlong = false;
    return status;
}

tk_line_status tk_line_feed(tk_line *line, uint8_t byte)
{
    if (byte == LINE_END) {
        return end_line(line);
    }
    if (line->count >= TK_LINE_CHARACTERS) {
        line->overlong = true;
    } else if (!is_silent(byte)) {
        line->text[line->count++] = (char)byte;
    }
    return TK_LINE_PARTIAL;
}

char *tk_line_word(char **rest)
{
    char *word = *rest;
    while (*word == ' ') {
        word++;
    }
    char *end = word;
    while ((*end != ' ') && (*end != '\0')) {
        end++;
    }
    *rest = end;
    if (*end != '\0') {
        *end = '\0';
        *rest = end + 1;
    }
    return word;
}

bool tk_line_is(const char *word, const char *name)
{
    while ((*word != '\0') && (*word == *name)) {
        word++;
        name++;
    }
    return *word == *name;
}

// Each limit is far below UINT32_MAX / 10, so that no step can wrap.
bool tk_line_number(const char *word, uint32_t most, uint32_t *number)
{
    uint32_t value = 0;
    if (*word == '\0') {
        return false;
    }
    for (; *word != '\0'; word++) {
        if ((*word < '0') || (*word > '9')) {
            return false;
        }
        value = 10u * value + (uint32_t)(*word - '0');
        if (value > most) {
            return false;
        }
    }
    *number = value;
    return true;
}

static int hex_digit(char digit)
{
    if ((digit >= '0') && (digit <= '9')) {
        return digit - '0';
    }
    if ((digit >= 'a') && (digit <= 'f')) {
        return digit - 'a' + 10;
    }
    if ((digit >= 'A') && (digit <= 'F')) {
        return digit - 'A' + 10;
    }
    return -1;
}

tk_hex tk_line_hex(char *word)
{
    tk_hex hex = {.bytes = (uint8_t *)word};
    for (; word[0] != '\0'; word += 2) {
        const int high = hex_digit(word[0]);
        const int low = (word[1] == '\0') ? -1 : hex_digit(word[1]);
        if ((high < 0) || (low < 0)) {
            hex.error = (word[1] == '\0') ? TK_HEX_ODD : TK_HEX_NO_DIGIT;
            return hex;
        }
        hex.bytes[hex.count++] = (uint8_t)(16 * high + low);
    }
    return hex;
}
