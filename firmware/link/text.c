// One buffer of text, which is sent when a line ends or the buffer is full.
//
// SPDX-License-Identifier: Apache-2.0
#include "text.h"

#define BUFFER_BYTES 128u

static uint8_t buffer[BUFFER_BYTES];
static size_t used;

static void put_character(char character)
{
    if (used == BUFFER_BYTES) {
        tk_chip_send(buffer, used);
        used = 0;
    }
    buffer[used++] = (uint8_t)character;
}

void tk_text_put(const char *text)
{
    for (; *text != '\0'; text++) {
        put_character(*text);
    }
}

static char harmless(char character)
{
    const char lower = (char)(character | 0x20);
    const int is_letter = (lower >= 'a') && (lower <= 'z');
    const int is_digit = (character >= '0') && (character <= '9');
    return (is_letter || is_digit || (character == ' ') || (character == '_')) ? character : '?';
}

void tk_text_quote(const char *text)
{
    for (; *text != '\0'; text++) {
        put_character(harmless(*text));
    }
}

void tk_text_number(uint64_t number)
{
    char digits[21]; // of 2^64, and the end
    char *first = &digits[20];
    *first = '\0';
    do {
        *--first = (char)('0' + (char)(number % 10u));
        number /= 10u;
    } while (number != 0);
    tk_text_put(first);
}

void tk_text_hex(uint32_t number, uint8_t digits)
{
    while (digits-- > 0) {
        put_character("0123456789abcdef"[(number >> (4u * digits)) & 0xfu]);
    }
}

// Halves the number so many times, to the nearest, and from the middle to the even one.
static uint64_t halved(uint64_t number, uint32_t times)
{
    if (times > 63u) {
        return 0;
    }
    if (times == 0) {
        return number;
    }
    const uint64_t whole = number >> times;
    const uint64_t rest = number - (whole << times);
    const uint64_t half = (uint64_t)1 << (times - 1u);
    return whole + (((rest > half) || ((rest == half) && (whole & 1u))) ? 1u : 0u);
}

// IEEE 754: a float is (-1)^sign * fraction * 2^(exponent - 150).
void tk_text_float(float number)
{
    uint32_t bits;
    __builtin_memcpy(&bits, &number, sizeof bits);
    const uint32_t exponent = (bits >> 23) & 0xffu;
    const uint32_t stored = bits & 0x7fffffu;
    const uint64_t fraction = exponent == 0 ? stored : stored | 0x800000u;
    if ((exponent == 0xffu) && (stored != 0)) {
        tk_text_put("nan");
        return;
    }
    if (bits >> 31) {
        put_character('-');
    }
    if (exponent >= 150u + 30u) {
        tk_text_put("inf");
        return;
    }
    // at most 1000 * 2^24 * 2^29 < 2^63
    const uint64_t thousandths = exponent >= 150u ? (1000u * fraction) << (exponent - 150u)
                                                  : halved(1000u * fraction, 150u - exponent);
    tk_text_number(thousandths / 1000u);
    const uint32_t behind = (uint32_t)(thousandths % 1000u);
    put_character('.');
    put_character((char)('0' + behind / 100u));
    put_character((char)('0' + behind / 10u % 10u));
    put_character((char)('0' + behind % 10u));
}

static void put_word(const char *name, uint32_t word)
{
    tk_text_put(name);
    tk_text_hex(word, 8);
}

void tk_text_fault(const tk_fault *fault)
{
    used = 0;
    put_word("\r\ne-[fault: pc 0x", fault->pc);
    put_word(" lr 0x", fault->lr);
    put_word(" cfsr 0x", fault->cfsr);
    put_word(" hfsr 0x", fault->hfsr);
    put_word(" address 0x", fault->address);
    tk_text_put("]\r\n");
    tk_chip_send_polled(buffer, used);
    used = 0;
}

void tk_text_end(void)
{
    tk_text_put("\r\n");
    tk_chip_send(buffer, used);
    used = 0;
}
