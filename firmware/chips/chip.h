// What every chip gives to the firmware above it.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_CHIP_H
#define TK_CHIP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const uint8_t *start;
    uint32_t bytes;
} tk_image;

// Starts clocks, pins, link and timer. Memory is set up already, interrupts are masked.
void tk_chip_start(void);

// Sleeps until the link has received a byte.
uint8_t tk_chip_receive(void);

// Sleeps until `data`, which is in RAM, has been sent.
void tk_chip_send(const uint8_t *data, size_t bytes);

// The same awake, for fault handlers, where no interrupt can end a sleep.
void tk_chip_send_polled(const uint8_t *data, size_t bytes);

// Microseconds since tk_chip_start; wraps after 71 minutes.
uint32_t tk_chip_time_us(void);

// The image in flash, from its vector table to the end of the initial values of its data.
tk_image tk_chip_image(void);

// The chip's one interrupt handler, if it unmasks any; host/sizes.py adds its stack.
void tk_chip_interrupt(void);

// Starts the watchdog anew, where there is one: it resets a chip that for TK_WATCHDOG_MS has been
// awake without. Longer than any inference that somebody would wait for.
void tk_chip_feed(void);
#ifndef TK_WATCHDOG_MS
#define TK_WATCHDOG_MS 60000u
#endif

// Why the chip was reset the last time, as far as it tells: bits.
enum {
    TK_RESET_PIN = 1,
    TK_RESET_WATCHDOG = 2,
    TK_RESET_SELF = 4, // tk_chip_restart, after a fault
    TK_RESET_LOCKUP = 8,
    TK_RESET_REASONS = 15,
};
uint32_t tk_chip_reset_reasons(void);

// The stack, and how much of it was ever in use since reset.
typedef struct {
    uint32_t bytes;
    uint32_t used;
} tk_stack;
tk_stack tk_chip_stack(void);

// Resets the chip.
_Noreturn void tk_chip_restart(void);

// Sleeps until reset.
_Noreturn void tk_chip_stop(void);

// What a fault handler knows; 0 where the core could not tell.
typedef struct {
    uint32_t pc;
    uint32_t lr;
    uint32_t cfsr;
    uint32_t hfsr;
    uint32_t address;
} tk_fault;

// Called once by the fault handlers; the link implements it. True if the application had come so
// far that starting again makes sense: one that faults at once would do it for ever.
bool tk_fault_report(const tk_fault *fault);

#endif
