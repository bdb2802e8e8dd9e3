// Clocks of the STM32U575, whose link is USART1 (sections: RM0456 rev 5). TrustZone is off, as the
// chip is delivered: all addresses are non-secure ones.
//
// SPDX-License-Identifier: Apache-2.0

// 2.3.2 memory map; 22.3, table of vectors; USART1 is alternate function 7 (DS13737, 4)
#define USART_ADDRESS      0x40013800u
#define USART_IRQ          61u
#define USART_PIN_FUNCTION 7u
#define GPIO_ADDRESS       0x42020000u
#define RCC_CSR_ADDRESS    0x46020cf4u
#define USART_DIVIDER      ((USART_KERNEL_HZ + TK_UART_BAUD / 2u) / TK_UART_BAUD) // 66.5.8

#include "stm32.h"

// 11.8 RCC
#define RCC(offset)         REGISTER(0x46020c00u + (offset))
#define RCC_CR              RCC(0x00)
#define RCC_CFGR1           RCC(0x1c)
#define RCC_PLL1CFGR        RCC(0x28)
#define RCC_PLL1DIVR        RCC(0x34)
#define RCC_AHB2ENR1        RCC(0x8c)
#define RCC_AHB3ENR         RCC(0x94)
#define RCC_APB1ENR1        RCC(0x9c)
#define RCC_APB2ENR         RCC(0xa4)
#define RCC_CCIPR1          RCC(0xe0)
#define CR_MSISON           (1u << 0)
#define CR_HSION            (1u << 8)
#define CR_HSIRDY           (1u << 10)
#define CR_PLL1ON           (1u << 24)
#define CR_PLL1RDY          (1u << 25)
#define CFGR1_SW_PLL1       3u
#define CFGR1_SWS(cfgr)     (((cfgr) >> 2) & 3u)
#define PLL1CFGR_HSI_4      (2u | (3u << 8) | (1u << 18))               // 16 MHz / 4, output R
#define PLL1DIVR_80_2       (79u | (1u << 9) | (1u << 16) | (1u << 24)) // * 80 / 2
#define AHB2ENR1_GPIO(port) (1u << (port))
#define AHB3ENR_PWR         (1u << 2)
#define APB1ENR1_TIM2       (1u << 0)
#define APB2ENR_USART1      (1u << 14)
#define CCIPR1_USART1_HSI16 (2u << 0)

// 10.10 PWR
#define PWR_CR3       REGISTER(0x46020808u)
#define PWR_VOSR      REGISTER(0x4602080cu)
#define PWR_SVMSR     REGISTER(0x4602083cu)
#define CR3_REGSEL    (1u << 1)
#define SVMSR_REGS    (1u << 1)
#define VOSR_RANGE_1  (3u << 16)
#define VOSR_BOOSTEN  (1u << 18)
#define VOSR_BOOSTRDY (1u << 14)
#define VOSR_VOSRDY   (1u << 15)

// 7.9.1 FLASH, 8.7 ICACHE
#define FLASH_ACR        REGISTER(0x40022000u)
#define ACR_LATENCY_MASK 0xfu
#define ACR_PREFETCH     (1u << 8)
#define ICACHE_CR        REGISTER(0x40030400u)
#define ICACHE_SR        REGISTER(0x40030404u)
#define ICACHE_CR_EN     1u
#define ICACHE_SR_BUSY   1u

#if TK_CLOCK_HZ != 160000000
#error "this chip is run at 160 MHz"
#endif
enum { WAIT_STATES = 4 }; // 7.3.3: 160 MHz in range 1

static void start_supply(void)
{
#if TK_DCDC
    PWR_CR3 |= CR3_REGSEL;
    while ((PWR_SVMSR & SVMSR_REGS) == 0) {
    }
#endif
    PWR_VOSR = VOSR_RANGE_1;
    while ((PWR_VOSR & VOSR_VOSRDY) == 0) {
    }
    PWR_VOSR |= VOSR_BOOSTEN; // 10.5.4: above 55 MHz, from the PLL's source, which runs already
    while ((PWR_VOSR & VOSR_BOOSTRDY) == 0) {
    }
}

static void start_cache(void)
{
    while ((ICACHE_SR & ICACHE_SR_BUSY) != 0) { // it empties itself after reset
    }
    ICACHE_CR |= ICACHE_CR_EN;
    FLASH_ACR = ACR_PREFETCH | WAIT_STATES;
    while ((FLASH_ACR & ACR_LATENCY_MASK) != WAIT_STATES) {
    }
}

void tk_clocks_start(void)
{
    RCC_AHB3ENR |= AHB3ENR_PWR;
    RCC_AHB2ENR1 |= AHB2ENR1_GPIO(TK_UART_TX_PIN / 16u) | AHB2ENR1_GPIO(TK_UART_RX_PIN / 16u);
    RCC_APB1ENR1 |= APB1ENR1_TIM2;
    RCC_APB2ENR |= APB2ENR_USART1;
    RCC_CR |= CR_HSION;
    while ((RCC_CR & CR_HSIRDY) == 0) {
    }
    RCC_CCIPR1 = (RCC_CCIPR1 & ~3u) | CCIPR1_USART1_HSI16;
    RCC_PLL1CFGR = PLL1CFGR_HSI_4;
    RCC_PLL1DIVR = PLL1DIVR_80_2;
    start_supply();
    start_cache();
    RCC_CR |= CR_PLL1ON;
    while ((RCC_CR & CR_PLL1RDY) == 0) {
    }
    RCC_CFGR1 = CFGR1_SW_PLL1;
    while (CFGR1_SWS(RCC_CFGR1) != CFGR1_SW_PLL1) {
    }
    RCC_CR &= ~CR_MSISON; // nobody needs it any more
}
