// STOP 2 of the STM32U575 (numbers: ST's stm32u575xx.h in cmsis_device_u5).
//
// SPDX-License-Identifier: Apache-2.0

#define LPTIM_ADDRESS   0x46004400u
#define LPTIM_IRQ       67u
#define PWR_CR1_ADDRESS 0x46020800u

#include "stm32_rest.h"

// RCC
#define RCC(offset)        REGISTER(0x46020c00u + (offset))
#define RCC_CR             RCC(0x00)
#define RCC_CFGR1          RCC(0x1c)
#define RCC_APB3ENR        RCC(0xa8)
#define RCC_SRDAMR         RCC(0xd8)
#define RCC_CCIPR3         RCC(0xe8)
#define RCC_BDCR           RCC(0xf0)
#define CR_PLL1ON          (1u << 24)
#define CR_PLL1RDY         (1u << 25)
#define CFGR1_SW_HSI16     1u
#define CFGR1_SWS(cfgr)    (((cfgr) >> 2) & 3u)
#define CFGR1_STOPWUCK     (1u << 4) // HSI16 after STOP
#define APB3_LPTIM1        (1u << 11)
#define CCIPR3_LPTIM1_MASK (3u << 10)
#define CCIPR3_LPTIM1_LSI  (1u << 10)
#define BDCR_LSION         (1u << 26)
#define BDCR_LSIRDY        (1u << 27)

// PWR
#define PWR_CR2      REGISTER(0x46020804u)
#define PWR_VOSR     REGISTER(0x4602080cu)
#define PWR_DBPR     REGISTER(0x46020828u)
#define DBPR_DBP     (1u << 0)
#define VOSR_BOOSTEN (1u << 18)

#define LPTIM_DIEROK (1u << 24)

extern const uint8_t __bss_end[]; // cortex_m.ld

// What PWR_CR2 can switch off in STOP, page by page; the first holds the stack.
static const struct {
    uint32_t start;
    uint32_t bit;
} pages[] = {
    {0x20010000u, 1u << 1},  // SRAM1, 64 KiB each
    {0x20020000u, 1u << 2},  //
    {0x20030000u, 1u << 4},  // SRAM2, 8 KiB
    {0x20032000u, 1u << 5},  // and 56 KiB
    {0x20040000u, 1u << 16}, // SRAM3, 64 KiB each
    {0x20050000u, 1u << 17}, //
    {0x20060000u, 1u << 18}, //
    {0x20070000u, 1u << 19}, //
    {0x20080000u, 1u << 20}, //
    {0x20090000u, 1u << 21}, //
    {0x200a0000u, 1u << 22}, //
    {0x200b0000u, 1u << 23}, //
    {0x28000000u, 1u << 6},  // SRAM4, 16 KiB, which no variable of ours lies in
};

static void power_unused_ram_off(void)
{
    for (size_t i = 0; i < sizeof pages / sizeof pages[0]; i++) {
        if (pages[i].start >= (uintptr_t)__bss_end) {
            PWR_CR2 |= pages[i].bit;
        }
    }
}

// LPTIM1 needs its clock in STOP 2 too, which is the autonomous mode of its domain.
static void start_slow_clock(void)
{
    PWR_DBPR |= DBPR_DBP; // or the backup domain, which has the LSI, could not be written
    RCC_BDCR |= BDCR_LSION;
    while ((RCC_BDCR & BDCR_LSIRDY) == 0) {
    }
    RCC_CCIPR3 = (RCC_CCIPR3 & ~CCIPR3_LPTIM1_MASK) | CCIPR3_LPTIM1_LSI;
    RCC_APB3ENR |= APB3_LPTIM1;
    RCC_SRDAMR |= APB3_LPTIM1;
    power_unused_ram_off();
}

// DIER, as IER is called here, is written while the timer is on, and says when it has arrived.
static void enable_match(void)
{
    LPTIM->CR = LPTIM_CR_ENABLE;
    LPTIM->IER = LPTIM_MATCH;
    await(LPTIM_DIEROK);
}

static void stop_clocks(void)
{
    RCC_CFGR1 = CFGR1_STOPWUCK | CFGR1_SW_HSI16;
    while (CFGR1_SWS(RCC_CFGR1) != CFGR1_SW_HSI16) {
    }
    PWR_VOSR &= ~VOSR_BOOSTEN; // its clock comes from before the PLL's divider
    RCC_CR &= ~CR_PLL1ON;
    while ((RCC_CR & CR_PLL1RDY) != 0) {
    }
}
