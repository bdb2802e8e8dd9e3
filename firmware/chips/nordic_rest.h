// Sleep of the Nordic chips with an RTC, which the nRF51 and the nRF52 have alike: nRF52840 Product
// Specification v1.7, 5.4, 6.22 and 6.30; nRF51 Reference Manual v3.0.1, CLOCK, RTC and TIMER.
//
// Included once, by the chip's file, which says which RTC it is (RTC_ADDRESS, RTC_IRQ), and has
// tk_sleep and power_unused_ram.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_NORDIC_REST_H
#define TK_NORDIC_REST_H

#include <stdbool.h>

#include "nordic.h"
#include "rest.h"

// 5.4.3 CLOCK
#define CLOCK_TASKS_LFCLKSTART REGISTER(0x40000008u)
#define CLOCK_LFCLKSTAT        REGISTER(0x40000418u)
#define CLOCK_LFCLKSRC         REGISTER(0x40000518u)
#define LFCLKSTAT_RUNS         0x10000u
#define LFCLKSRC_RC            0u // the one that every board has; off by up to 5 % uncalibrated

// 6.30.5 TIMER0, which tk_chip_time_us reads. Erratum 78 of the nRF52: it goes on drawing current
// after STOP alone.
#define TIMER0_TASKS_START    REGISTER(0x40008000u)
#define TIMER0_TASKS_STOP     REGISTER(0x40008004u)
#define TIMER0_TASKS_CLEAR    REGISTER(0x4000800cu)
#define TIMER0_TASKS_SHUTDOWN REGISTER(0x40008010u)

// 6.22.10 RTC
#define RTC(offset)         REGISTER(RTC_ADDRESS + (offset))
#define RTC_TASKS_START     RTC(0x000u)
#define RTC_TASKS_CLEAR     RTC(0x008u)
#define RTC_EVENTS_COMPARE0 RTC(0x140u)
#define RTC_INTENSET        RTC(0x304u)
#define RTC_COUNTER         RTC(0x504u)
#define RTC_PRESCALER       RTC(0x508u)
#define RTC_CC0             RTC(0x540u)
#define RTC_INT_COMPARE0    (1u << 16)
#define RTC_LEAST_TICKS     2u // 6.22.7: a nearer comparison may be missed

enum { SLOW_CLOCK_HZ = 32768, TICKS_HZ = 1024 };
_Static_assert(SLOW_CLOCK_HZ % TICKS_HZ == 0, "6.22.2: the prescaler divides by a whole number");
const uint32_t tk_ticks_hz = TICKS_HZ;

static void power_unused_ram(bool on);

static void start_slow_clock(void)
{
    CLOCK_LFCLKSRC = LFCLKSRC_RC;
    CLOCK_TASKS_LFCLKSTART = 1;
    while ((CLOCK_LFCLKSTAT & LFCLKSTAT_RUNS) == 0) {
    }
}

void tk_rest_end(void) { power_unused_ram(true); }

void tk_rest_start(void)
{
    power_unused_ram(false);
    start_slow_clock();
    RTC_PRESCALER = SLOW_CLOCK_HZ / TICKS_HZ - 1u;
    RTC_TASKS_CLEAR = 1;
    RTC_INTENSET = RTC_INT_COMPARE0;
    RTC_TASKS_START = 1;
    TIMER0_TASKS_CLEAR = 1;
    NVIC_ISER(RTC_IRQ) = NVIC_BIT(RTC_IRQ);
    tk_rest_wire_off();
}

uint32_t tk_rest_ticks(void) { return RTC_COUNTER; }

static void clear_event(void)
{
    RTC_EVENTS_COMPARE0 = 0;
    (void)RTC_EVENTS_COMPARE0; // 6.1.8.1: or the interrupt may be pending again
    NVIC_ICPR(RTC_IRQ) = NVIC_BIT(RTC_IRQ);
}

void tk_rest_until(uint32_t ticks)
{
    if (tk_ticks_left(ticks) < RTC_LEAST_TICKS) {
        TIMER0_TASKS_CLEAR = 1;
        return;
    }
    TIMER0_TASKS_STOP = 1;
    TIMER0_TASKS_SHUTDOWN = 1;
    clear_event();
    RTC_CC0 = ticks & TK_TICKS_MASK;
    while (RTC_EVENTS_COMPARE0 == 0) {
        tk_sleep();
    }
    clear_event();
    TIMER0_TASKS_CLEAR = 1;
    TIMER0_TASKS_START = 1;
}

void tk_rest_wire_on(void)
{
    tk_crystal_start();
    tk_wire_start();
}

void tk_rest_wire_off(void)
{
    tk_wire_stop();
    tk_crystal_stop();
}

#endif
