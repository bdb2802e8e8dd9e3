// The watchdog and the reasons of a reset, which the nRF51 and the nRF52 have alike: nRF52840
// Product Specification v1.7, 6.36 and 5.3.7.10; nRF51 Reference Manual v3.0.1, WDT and POWER.
//
// Included once, by the chip's file.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_NORDIC_WATCH_H
#define TK_NORDIC_WATCH_H

#include "chip.h"

#define POWER_RESETREAS (*(volatile uint32_t *)0x40000400u)

typedef struct {
    volatile uint32_t TASKS_START;
    uint32_t reserved0[255];
    volatile uint32_t RUNSTATUS, REQSTATUS;
    uint32_t reserved1[63];
    volatile uint32_t CRV, RREN, CONFIG;
    uint32_t reserved2[60];
    volatile uint32_t RR[8];
} watchdog;

_Static_assert(offsetof(watchdog, RUNSTATUS) == 0x400, "6.36.4");
_Static_assert(offsetof(watchdog, CRV) == 0x504, "6.36.4");
_Static_assert(offsetof(watchdog, RR) == 0x600, "6.36.4");

#define WDT              ((watchdog *)0x40010000u)
#define WDT_RELOAD       0x6e524635u
#define WDT_HZ           32768u
#define WDT_ASLEEP_PAUSE 0u // CONFIG: nor while a debugger has halted the core

_Static_assert(TK_RESET_PIN == 1 && TK_RESET_WATCHDOG == 2 && TK_RESET_SELF == 4 &&
                   TK_RESET_LOCKUP == 8 && TK_RESET_REASONS == 15,
               "as in RESETREAS");

static uint32_t reset_reasons;

// It cannot be stopped or set again once it runs: a bootloader's goes on as it is.
static void start_watchdog(void)
{
    reset_reasons = POWER_RESETREAS & TK_RESET_REASONS;
    POWER_RESETREAS = reset_reasons; // a bit is cleared by writing it
    if (WDT->RUNSTATUS == 0) {
        WDT->CRV = (uint32_t)((uint64_t)WDT_HZ * TK_WATCHDOG_MS / 1000u - 1u);
        WDT->CONFIG = WDT_ASLEEP_PAUSE;
        WDT->RREN = 1;
        WDT->TASKS_START = 1;
    }
    tk_chip_feed();
}

// All eight: who knows which of them a bootloader has asked for.
void tk_chip_feed(void)
{
    for (size_t i = 0; i < sizeof WDT->RR / sizeof WDT->RR[0]; i++) {
        WDT->RR[i] = WDT_RELOAD;
    }
}

uint32_t tk_chip_reset_reasons(void) { return reset_reasons; }

#endif
