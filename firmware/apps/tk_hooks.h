// What --app sleep calls, and what it gives to those who write that: hooks.c.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_HOOKS_H
#define TK_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

// From one wake to the next, 2 to 8 000 000 (2.2 hours). A wake that takes longer delays the next.
extern const uint32_t period_ms;

// Fills the input of the model. False: there is nothing to infer this time.
bool sample(void);

// Does something about the output of the model.
void act(void);

// Since reset, this wake left out.
typedef struct {
    uint32_t wakes;
    uint64_t awake_us; // at work; where the CPU waits in WFI within `sample` that is counted too
    uint64_t total_us;
} tk_rest_times;
tk_rest_times tk_rested(void);

// Says them over the serial port, for which wire and crystal are on for some milliseconds:
// wakes 10 awake 1234 us of 10000000 us asleep 999 of 1000
void tk_rested_report(void);

// Comes before a reset of your own: gives the RAM behind the last variable its power back, which a
// soft reset does not, and which the bootloader needs.
void tk_rest_end(void);

#endif
