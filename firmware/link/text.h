// Answers that are lines of text, over the chip's wire.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_TEXT_H
#define TK_TEXT_H

#include "../chips/chip.h"

void tk_text_put(const char *text);

// The same, of a stranger: what is no letter, digit, space or underscore becomes a question mark.
void tk_text_quote(const char *text);

void tk_text_number(uint64_t number);
void tk_text_hex(uint32_t number, uint8_t digits);

// With three digits behind the point, rounded to the nearest, exactly; "nan", "inf", and "inf" too
// for what is 2^53 or more.
void tk_text_float(float number);

// Says what is known of a fault, awake, on a line of its own; the one that was begun is lost.
void tk_text_fault(const tk_fault *fault);

// Ends the line and sends it.
void tk_text_end(void);

#endif
