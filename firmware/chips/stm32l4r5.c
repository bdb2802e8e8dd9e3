// Clocks of the STM32L4R5, whose link is LPUART1 (sections: RM0432 rev 9).
//
// SPDX-License-Identifier: Apache-2.0

// 2.2.2 memory map; 16.3, table of vectors; LPUART1 is alternate function 8 (DS12023, 4)
#define USART_ADDRESS      0x40008000u
#define USART_IRQ          70u
#define USART_PIN_FUNCTION 8u
#define GPIO_ADDRESS       0x48000000u
#define RCC_CSR_ADDRESS    0x40021094u
// 51.4.5: 256 times the kernel's clock by the rate, rounded
#define USART_DIVIDER ((256u * USART_KERNEL_HZ + TK_UART_BAUD / 2u) / TK_UART_BAUD)

#include "stm32.h"

// 6.4 RCC
#define RCC(offset)         REGISTER(0x40021000u + (offset))
#define RCC_CR              RCC(0x00)
#define RCC_CFGR            RCC(0x08)
#define RCC_PLLCFGR         RCC(0x0c)
#define RCC_AHB2ENR         RCC(0x4c)
#define RCC_APB1ENR1        RCC(0x58)
#define RCC_APB1ENR2        RCC(0x5c)
#define RCC_CCIPR           RCC(0x88)
#define CR_HSION            (1u << 8)
#define CR_HSIRDY           (1u << 10)
#define CR_PLLON            (1u << 24)
#define CR_PLLRDY           (1u << 25)
#define CFGR_SW_PLL         3u
#define CFGR_SWS(cfgr)      (((cfgr) >> 2) & 3u)
#define CFGR_HPRE_2         (8u << 4)
#define PLLCFGR_HSI_30_2_2  (2u | (1u << 4) | (30u << 8) | (1u << 24)) // 16 MHz / 2 * 30 / 2
#define AHB2ENR_GPIO(port)  (1u << (port))
#define APB1ENR1_TIM2       (1u << 0)
#define APB1ENR1_PWR        (1u << 28)
#define APB1ENR2_LPUART1    (1u << 0)
#define CCIPR_LPUART1_HSI16 (2u << 10)

// 5.4 PWR
#define PWR_CR2    REGISTER(0x40007004u)
#define PWR_SR2    REGISTER(0x40007014u)
#define PWR_CR5    REGISTER(0x40007080u)
#define CR2_IOSV   (1u << 9)
#define CR5_R1MODE (1u << 8)
#define SR2_VOSF   (1u << 10)

// 3.7.1 FLASH
#define FLASH_ACR        REGISTER(0x40022000u)
#define ACR_LATENCY_MASK 0xfu
#define ACR_CACHES       (7u << 8) // prefetch, instructions, data

#if TK_CLOCK_HZ != 120000000
#error "this chip is run at 120 MHz"
#endif
enum { WAIT_STATES = 5 }; // 3.3.3: 120 MHz in range 1 boost

static void start_oscillator(void)
{
    RCC_CR |= CR_HSION;
    while ((RCC_CR & CR_HSIRDY) == 0) {
    }
    RCC_PLLCFGR = PLLCFGR_HSI_30_2_2;
    RCC_CR |= CR_PLLON;
    while ((RCC_CR & CR_PLLRDY) == 0) {
    }
}

// 5.1.8: above 80 MHz range 1 has to be boosted, and the clock comes there by a half.
void tk_clocks_start(void)
{
    RCC_APB1ENR1 |= APB1ENR1_PWR | APB1ENR1_TIM2;
    RCC_APB1ENR2 |= APB1ENR2_LPUART1;
    RCC_AHB2ENR |= AHB2ENR_GPIO(TK_UART_TX_PIN / 16u) | AHB2ENR_GPIO(TK_UART_RX_PIN / 16u);
    PWR_CR2 |= CR2_IOSV; // 5.1.2: or the pins from PG2 on have no supply
    PWR_CR5 &= ~CR5_R1MODE;
    while ((PWR_SR2 & SR2_VOSF) != 0) {
    }
    FLASH_ACR = ACR_CACHES | WAIT_STATES;
    while ((FLASH_ACR & ACR_LATENCY_MASK) != WAIT_STATES) {
    }
    start_oscillator();
    RCC_CFGR = CFGR_HPRE_2 | CFGR_SW_PLL;
    while (CFGR_SWS(RCC_CFGR) != CFGR_SW_PLL) {
    }
    for (int i = 0; i < 64; i++) { // a microsecond at least, at 60 MHz
        __asm__ volatile("nop");
    }
    RCC_CFGR = CFGR_SW_PLL;
    RCC_CCIPR = (RCC_CCIPR & ~(3u << 10)) | CCIPR_LPUART1_HSI16;
}
