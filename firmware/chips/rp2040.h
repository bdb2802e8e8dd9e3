// What the files of the RP2040 share (section numbers: its datasheet).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_RP2040_H
#define TK_RP2040_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))
// 2.1.2: each register again, where what is written sets or clears bits
#define SET_BITS(address)   REGISTER((address) + 0x2000u)
#define CLEAR_BITS(address) REGISTER((address) + 0x3000u)

// 4.6.5 TIMER
#define TIMER_TIMERAWL REGISTER(0x40054028u)

#define NVIC_ISER REGISTER(0xe000e100u)
#define NVIC_ICPR REGISTER(0xe000e280u)

// The clock of the core: the PLL's, or for little the crystal's, from which UART and timer run in
// either case.
void tk_pll_start(void);
void tk_pll_stop(void);

// The wire of the link.
void tk_wire_start(void);
void tk_wire_stop(void);

// Lets tk_chip_time_us start again from 0.
void tk_time_restart(void);

#endif
