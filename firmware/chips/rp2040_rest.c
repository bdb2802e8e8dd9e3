// SLEEP of the RP2040, which its timer ends (sections: its datasheet; numbers as in pico-sdk).
//
// Not DORMANT: that stops the crystal, and then nothing on the chip can count the time until a wake
// (2.11.3). Cores, memories and every peripheral but the timer have no clock, the PLL is off.
//
// SPDX-License-Identifier: Apache-2.0
#include "rest.h"
#include "rp2040.h"

// 4.6.5 TIMER: the alarm compares the lower 32 bits of the microseconds
#define TIMER_ALARM0 REGISTER(0x40054010u)
#define TIMER_ARMED  REGISTER(0x40054020u)
#define TIMER_INTR   REGISTER(0x40054034u)
#define TIMER_INTE   REGISTER(0x40054038u)
#define ALARM_0      (1u << 0)
#define TIMER_IRQ_0  0u

// 2.15.7 CLOCKS: the timer's clock, and that of what makes its ticks
#define SLEEP_EN1       REGISTER(0x400080acu)
#define SLEEP_EN1_TIMER (1u << 5 | 1u << 12)

// 2.17.8 ROSC, from which nothing runs
#define ROSC_CTRL         REGISTER(0x40060000u)
#define ROSC_ENABLE_MASK  (0xfffu << 12)
#define ROSC_ENABLE_VALUE (0xfabu << 12)
#define ROSC_DISABLE      (0xd1eu << 12)

// 2.21.2 SYSCFG. SRAM4 has 4 KiB; 0 to 3 share every address below, word by word. The boot ROM
// needs SRAM5 and the USB's memory, and after a reset of the core alone would find them as they
// are.
#define SYSCFG_MEMPOWERDOWN 0x40004018u
#define MEMPOWERDOWN_SRAM4  (1u << 4)
#define SRAM4_START         0x20040000u

extern const uint8_t __bss_end[]; // cortex_m.ld

enum { US_A_TICK = 1000, LEAST_TICKS = 1, MOST_TICKS = 1000000 };
const uint32_t tk_ticks_hz = 1000000u / US_A_TICK;

static void set_ring_oscillator(uint32_t enable)
{
    ROSC_CTRL = (ROSC_CTRL & ~ROSC_ENABLE_MASK) | enable;
}

void tk_rest_start(void)
{
    if ((uintptr_t)__bss_end <= SRAM4_START) {
        SET_BITS(SYSCFG_MEMPOWERDOWN) = MEMPOWERDOWN_SRAM4;
    }
    set_ring_oscillator(ROSC_DISABLE);
    TIMER_INTE = ALARM_0;
    NVIC_ISER = 1u << TIMER_IRQ_0;
    tk_time_restart();
    tk_rest_wire_off();
}

// A reset of the core alone leaves both as they are.
void tk_rest_end(void)
{
    CLEAR_BITS(SYSCFG_MEMPOWERDOWN) = MEMPOWERDOWN_SRAM4;
    set_ring_oscillator(ROSC_ENABLE_VALUE);
}

// The ticks of 1 ms that the timer has counted, which wraps after 71 minutes: asked for more often.
uint32_t tk_rest_ticks(void)
{
    static uint32_t counted, counted_us;
    const uint32_t more = (TIMER_TIMERAWL - counted_us) / US_A_TICK;
    counted_us += more * US_A_TICK;
    counted = (counted + more) & TK_TICKS_MASK;
    return counted;
}

static void clear_alarm(void)
{
    TIMER_ARMED = ALARM_0; // disarms it
    TIMER_INTR = ALARM_0;
    NVIC_ICPR = 1u << TIMER_IRQ_0;
}

// An alarm that has passed before it was armed would come after 71 minutes: the ticks are looked at
// again behind it.
static void sleep_for(uint32_t ticks, uint32_t until)
{
    clear_alarm();
    TIMER_ALARM0 = TIMER_TIMERAWL + ticks * US_A_TICK;
    while (((TIMER_INTR & ALARM_0) == 0) && (tk_ticks_left(until) >= LEAST_TICKS)) {
        __asm__ volatile("dsb\n"
                         "wfi" ::
                             : "memory");
    }
}

// The core sleeps deeply since tk_chip_start has said so, and so does the other.
static void sleep_until(uint32_t ticks)
{
    const uint32_t waiting = SLEEP_EN1;
    SLEEP_EN1 = SLEEP_EN1_TIMER;
    tk_pll_stop();
    for (uint32_t left = tk_ticks_left(ticks); left >= LEAST_TICKS; left = tk_ticks_left(ticks)) {
        sleep_for(left < MOST_TICKS ? left : MOST_TICKS, ticks);
    }
    clear_alarm();
    tk_pll_start();
    SLEEP_EN1 = waiting;
}

void tk_rest_until(uint32_t ticks)
{
    if (tk_ticks_left(ticks) >= LEAST_TICKS) {
        sleep_until(ticks);
    }
    tk_time_restart();
}

void tk_rest_wire_on(void) { tk_wire_start(); }

void tk_rest_wire_off(void) { tk_wire_stop(); }
