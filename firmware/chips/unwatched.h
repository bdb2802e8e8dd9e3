// For chips that exist in emulators only.
//
// Included once, by the chip's file.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_UNWATCHED_H
#define TK_UNWATCHED_H

#include "chip.h"

void tk_chip_feed(void) {}

uint32_t tk_chip_reset_reasons(void) { return 0; }

#endif
