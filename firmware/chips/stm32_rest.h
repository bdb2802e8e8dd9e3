// STOP 2 of the STM32s, which LPTIM1 on the LSI ends: L4+ and U5.
//
// Included once, by the chip's file, which says where they lie: LPTIM_ADDRESS, LPTIM_IRQ,
// PWR_CR1_ADDRESS, and has start_slow_clock, enable_match and stop_clocks.
// Offsets and bits as in ST's stm32l4r5xx.h and stm32u575xx.h, orders of writing as in its drivers.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_STM32_REST_H
#define TK_STM32_REST_H

#include "rest.h"
#include "stm32_shared.h"

// LPTIM. What is written to CMP and ARR arrives in the clock of the LSI, after which ISR says so.
typedef struct {
    volatile uint32_t ISR, ICR, IER, CFGR, CR, CMP, ARR, CNT;
} low_power_timer;

_Static_assert(offsetof(low_power_timer, CNT) == 0x1c, "LPTIM_TypeDef");

#define LPTIM             ((low_power_timer *)LPTIM_ADDRESS)
#define LPTIM_MATCH       (1u << 0) // in ISR, ICR, and IER
#define LPTIM_CMPOK       (1u << 3)
#define LPTIM_ARROK       (1u << 4)
#define LPTIM_CFGR_BY_32  (5u << 9)
#define LPTIM_CR_ENABLE   (1u << 0)
#define LPTIM_CR_CNTSTRT  (1u << 2)
#define LPTIM_COUNT_MASK  0xffffu
#define LPTIM_MOST_TICKS  0x8000u // of one sleep, so that no round of its 16 bits is missed
#define LPTIM_LEAST_TICKS 2u      // a nearer match may be missed

#define SCB_SCR       REGISTER(0xe000ed10u)
#define SCR_SLEEPDEEP (1u << 2)

#define PWR_CR1        REGISTER(PWR_CR1_ADDRESS)
#define CR1_LPMS_MASK  7u
#define CR1_LPMS_STOP2 2u

enum { LSI_HZ = 32000, TICKS_HZ = 1000 };
_Static_assert(LSI_HZ / TICKS_HZ == 32, "CFGR_BY_32");
const uint32_t tk_ticks_hz = TICKS_HZ;

static void start_slow_clock(void);
static void enable_match(void);
static void stop_clocks(void);

static void await(uint32_t flag)
{
    while ((LPTIM->ISR & flag) == 0) {
    }
    LPTIM->ICR = flag;
}

void tk_rest_start(void)
{
    start_slow_clock();
    LPTIM->CFGR = LPTIM_CFGR_BY_32;
    enable_match();
    LPTIM->ARR = LPTIM_COUNT_MASK;
    await(LPTIM_ARROK);
    LPTIM->CR = LPTIM_CR_ENABLE | LPTIM_CR_CNTSTRT;
    NVIC_ISER(LPTIM_IRQ) = IRQ_MASK(LPTIM_IRQ);
    PWR_CR1 = (PWR_CR1 & ~CR1_LPMS_MASK) | CR1_LPMS_STOP2;
    TIM2->CNT = 0;
    tk_rest_wire_off();
}

// What was taken from the RAM comes back with every wake.
void tk_rest_end(void) {}

static uint32_t seen;

// The counter has another clock, so only what is read twice is right. Seen less often than
// every 65 s, by a wake that takes as long, it would lose a round.
uint32_t tk_rest_ticks(void)
{
    uint32_t count = LPTIM->CNT;
    for (uint32_t before = ~count; before != count;) {
        before = count;
        count = LPTIM->CNT;
    }
    seen = (seen + ((count - seen) & LPTIM_COUNT_MASK)) & TK_TICKS_MASK;
    return seen;
}

static void clear_match(void)
{
    LPTIM->ICR = LPTIM_MATCH;
    (void)LPTIM->ISR; // the bus has done it, or the interrupt may be pending again
    NVIC_ICPR(LPTIM_IRQ) = IRQ_MASK(LPTIM_IRQ);
}

static void sleep_for(uint32_t ticks, uint32_t until)
{
    clear_match();
    LPTIM->CMP = (seen + ticks) & LPTIM_COUNT_MASK;
    await(LPTIM_CMPOK);
    while (((LPTIM->ISR & LPTIM_MATCH) == 0) && (tk_ticks_left(until) >= LPTIM_LEAST_TICKS)) {
        __asm__ volatile("dsb\n"
                         "wfi" ::
                             : "memory");
    }
}

// Every wake leaves HSI16 for a clock: the PLL starts again after the last.
static void stop_until(uint32_t ticks)
{
    stop_clocks();
    SCB_SCR = SCR_SLEEPDEEP;
    for (uint32_t left = tk_ticks_left(ticks); left >= LPTIM_LEAST_TICKS;
         left = tk_ticks_left(ticks)) {
        sleep_for(left < LPTIM_MOST_TICKS ? left : LPTIM_MOST_TICKS, ticks);
    }
    clear_match();
    SCB_SCR = 0;
    tk_clocks_start();
}

void tk_rest_until(uint32_t ticks)
{
    TIM2->CR1 = 0;
    if (tk_ticks_left(ticks) >= LPTIM_LEAST_TICKS) {
        stop_until(ticks);
    }
    TIM2->CNT = 0;
    TIM2->CR1 = TIM_CR1_CEN;
}

void tk_rest_wire_on(void) { tk_wire_start(); }

void tk_rest_wire_off(void) { tk_wire_stop(); }

#endif
