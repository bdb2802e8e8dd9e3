// System ON sleep of the nRF52840 with its RTC (section numbers: product specification v1.7).
//
// SPDX-License-Identifier: Apache-2.0
#include "chip.h"
#include "nrf52840.h"
#include "rest.h"

// 5.4.3 CLOCK
#define CLOCK_TASKS_LFCLKSTART REGISTER(0x40000008u)
#define CLOCK_LFCLKSTAT        REGISTER(0x40000418u)
#define CLOCK_LFCLKSRC         REGISTER(0x40000518u)
#define LFCLKSTAT_RUNS         0x10000u
#define LFCLKSRC_RC            0u // the one that every board has; off by up to 5 % uncalibrated

// 6.30.5 TIMER0, which tk_chip_time_us reads. Erratum 78: it goes on drawing current after STOP
// alone.
#define TIMER0_TASKS_START    REGISTER(0x40008000u)
#define TIMER0_TASKS_STOP     REGISTER(0x40008004u)
#define TIMER0_TASKS_CLEAR    REGISTER(0x4000800cu)
#define TIMER0_TASKS_SHUTDOWN REGISTER(0x40008010u)

// 6.22.10 RTC2, which no bootloader uses
#define RTC_TASKS_START     REGISTER(0x40024000u)
#define RTC_TASKS_CLEAR     REGISTER(0x40024008u)
#define RTC_EVENTS_COMPARE0 REGISTER(0x40024140u)
#define RTC_INTENSET        REGISTER(0x40024304u)
#define RTC_COUNTER         REGISTER(0x40024504u)
#define RTC_PRESCALER       REGISTER(0x40024508u)
#define RTC_CC0             REGISTER(0x40024540u)
#define RTC_INT_COMPARE0    (1u << 16)
#define RTC_IRQ             36u // 4.2.3: the number of the peripheral
#define RTC_LEAST_TICKS     2u  // 6.22.7: a nearer comparison may be missed

// 4.2.2, 5.3 POWER: RAM0 to RAM7 have two sections of 4 KiB each, RAM8 the rest in sections of
// 32 KiB, of which the nRF52833 has fewer. All have power after any reset but a soft one and a
// lockup: then they stay as they are.
#define POWER_RAM_POWERSET(bank) REGISTER(0x40000904u + 0x10u * (bank))
#define POWER_RAM_POWERCLR(bank) REGISTER(0x40000908u + 0x10u * (bank))
#define SMALL_SECTIONS           16u
#define SMALL_BYTES              0x1000u
#define RAM_START                0x20000000u
#define LARGE_BANK               8u
#define LARGE_BYTES              0x8000u

extern const uint8_t __bss_end[], __ram_end[]; // cortex_m.ld

_Static_assert(32768u % TK_TICKS_HZ == 0, "6.22.2: the prescaler divides by a whole number");

static void start_slow_clock(void)
{
    CLOCK_LFCLKSRC = LFCLKSRC_RC;
    CLOCK_TASKS_LFCLKSTART = 1;
    while ((CLOCK_LFCLKSTAT & LFCLKSTAT_RUNS) == 0) {
    }
}

static void set_power(uint32_t section, bool on)
{
    const bool is_small = section < SMALL_SECTIONS;
    const uint32_t bank = is_small ? section / 2u : LARGE_BANK;
    const uint32_t bit = 1u << (is_small ? section % 2u : section - SMALL_SECTIONS);
    if (on) {
        POWER_RAM_POWERSET(bank) = bit;
    } else {
        POWER_RAM_POWERCLR(bank) = bit;
    }
}

// Of the sections that are wholly behind the last variable: the stack is below all of them.
static void power_unused_ram(bool on)
{
    uintptr_t start = RAM_START;
    for (uint32_t section = 0; start < (uintptr_t)__ram_end; section++) {
        if (start >= (uintptr_t)__bss_end) {
            set_power(section, on);
        }
        start += section < SMALL_SECTIONS ? SMALL_BYTES : LARGE_BYTES;
    }
}

void tk_rest_end(void) { power_unused_ram(true); }

void tk_rest_start(void)
{
    power_unused_ram(false);
    start_slow_clock();
    RTC_PRESCALER = 32768u / TK_TICKS_HZ - 1u;
    RTC_TASKS_CLEAR = 1;
    RTC_INTENSET = RTC_INT_COMPARE0;
    RTC_TASKS_START = 1;
    TIMER0_TASKS_CLEAR = 1;
    NVIC_ISER(RTC_IRQ) = NVIC_BIT(RTC_IRQ);
    tk_rest_wire_off();
}

uint32_t tk_rest_ticks(void) { return RTC_COUNTER; }

// Above half of the way round it has passed.
static uint32_t ticks_left(uint32_t ticks)
{
    const uint32_t left = (ticks - RTC_COUNTER) & TK_TICKS_MASK;
    return left > TK_TICKS_MASK / 2u ? 0 : left;
}

static void clear_event(void)
{
    RTC_EVENTS_COMPARE0 = 0;
    (void)RTC_EVENTS_COMPARE0; // 6.1.8.1: or the interrupt may be pending again
    NVIC_ICPR(RTC_IRQ) = NVIC_BIT(RTC_IRQ);
}

void tk_rest_until(uint32_t ticks)
{
    if (ticks_left(ticks) < RTC_LEAST_TICKS) {
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
