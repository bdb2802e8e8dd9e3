// STOP 2 of the STM32L4R5 (numbers: ST's stm32l4r5xx.h in cmsis_device_l4).
//
// SPDX-License-Identifier: Apache-2.0

#define LPTIM_ADDRESS   0x40007c00u
#define LPTIM_IRQ       65u
#define PWR_CR1_ADDRESS 0x40007000u

#include "stm32_rest.h"

// RCC
#define RCC(offset)       REGISTER(0x40021000u + (offset))
#define RCC_CR            RCC(0x00)
#define RCC_CFGR          RCC(0x08)
#define RCC_APB1ENR1      RCC(0x58)
#define RCC_CCIPR         RCC(0x88)
#define RCC_CSR           RCC(0x94)
#define CR_PLLON          (1u << 24)
#define CR_PLLRDY         (1u << 25)
#define CFGR_SW_HSI16     1u
#define CFGR_SWS(cfgr)    (((cfgr) >> 2) & 3u)
#define CFGR_STOPWUCK     (1u << 15) // HSI16 after STOP
#define APB1ENR1_LPTIM1   (1u << 31)
#define CCIPR_LPTIM1_MASK (3u << 18)
#define CCIPR_LPTIM1_LSI  (1u << 18)
#define CSR_LSION         (1u << 0)
#define CSR_LSIRDY        (1u << 1)

// PWR. SRAM3 is kept in STOP 2 on request only.
#define PWR_CR5     REGISTER(0x40007080u)
#define CR1_RRSTP   (1u << 4)
#define CR5_R1MODE  (1u << 8)
#define SRAM3_START 0x20040000u

// EXTI: line 32 is LPTIM1
#define EXTI_IMR2   REGISTER(0x40010420u)
#define IMR2_LPTIM1 (1u << 0)

extern const uint8_t __bss_end[]; // cortex_m.ld

static void start_slow_clock(void)
{
    RCC_CSR |= CSR_LSION;
    while ((RCC_CSR & CSR_LSIRDY) == 0) {
    }
    RCC_CCIPR = (RCC_CCIPR & ~CCIPR_LPTIM1_MASK) | CCIPR_LPTIM1_LSI;
    RCC_APB1ENR1 |= APB1ENR1_LPTIM1;
    if ((uintptr_t)__bss_end > SRAM3_START) {
        PWR_CR1 |= CR1_RRSTP;
    }
}

// IER is written while the timer is off, ARR and CMP while it is on.
static void enable_match(void)
{
    LPTIM->IER = LPTIM_MATCH;
    EXTI_IMR2 |= IMR2_LPTIM1;
    LPTIM->CR = LPTIM_CR_ENABLE;
}

// Out of the boosted range too (RM0432 5.1.8): STOP is entered as after reset, but for the HSI16.
static void stop_clocks(void)
{
    RCC_CFGR = CFGR_STOPWUCK | CFGR_SW_HSI16;
    while (CFGR_SWS(RCC_CFGR) != CFGR_SW_HSI16) {
    }
    RCC_CR &= ~CR_PLLON;
    while ((RCC_CR & CR_PLLRDY) != 0) {
    }
    PWR_CR5 |= CR5_R1MODE;
}
