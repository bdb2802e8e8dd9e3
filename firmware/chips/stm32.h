// Link and timer of the STM32s whose USARTs have FIFOs: L4+ and U5.
//
// Included once, by the chip's file, which says where they lie:
// USART_ADDRESS, USART_IRQ, USART_DIVIDER, USART_PIN_FUNCTION, GPIO_ADDRESS, RCC_CSR_ADDRESS, and
// has tk_clocks_start.
// Sections: RM0432 rev 9 (L4+); RM0456 (U5) has the same registers.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_STM32_H
#define TK_STM32_H

#include "board.h"
#include "chip.h"
#include "stm32_shared.h"

#define USART_KERNEL_HZ 16000000u // the HSI16, which is exact to 1 %

// 8.4 GPIO
typedef struct {
    volatile uint32_t MODER, OTYPER, OSPEEDR, PUPDR, IDR, ODR, BSRR, LCKR, AFR[2];
} gpio;

#define PORT_BYTES    0x400u
#define PORT_PINS     16u
#define MODE_FUNCTION 2u // two bits a pin
#define MODE_INPUT    0u
#define PULL_UP       1u
#define FUNCTION_BITS 0xfu
#define AFR_PINS      8u

// 50.8 USART, 51.7 LPUART
typedef struct {
    volatile uint32_t CR1, CR2, CR3, BRR, GTPR, RTOR, RQR, ISR, ICR, RDR, TDR, PRESC;
} usart;

_Static_assert(offsetof(usart, TDR) == 0x28, "50.8");

#define USART            ((usart *)USART_ADDRESS)
#define USART_UE         (1u << 0)
#define USART_RE         (1u << 2)
#define USART_TE         (1u << 3)
#define USART_RXFNE      (1u << 5) // in ISR, and in CR1 its interrupt
#define USART_TC         (1u << 6) // likewise
#define USART_TXFNF      (1u << 7)
#define USART_TXFE       (1u << 23)
#define USART_TXFEIE     (1u << 30)
#define USART_FIFOEN     (1u << 29)
#define USART_CR3_OVRDIS (1u << 12)

// 6.4.29 RCC_CSR
#define RCC_CSR       REGISTER(RCC_CSR_ADDRESS)
#define CSR_RMVF      (1u << 23)
#define CSR_PINRSTF   (1u << 26)
#define CSR_BORRSTF   (1u << 27)
#define CSR_SFTRSTF   (1u << 28)
#define CSR_WATCHDOGS (3u << 29) // the independent one and the window's

static void start_pin(uint32_t number, uint32_t mode, uint32_t pull)
{
    gpio *const port = (gpio *)(GPIO_ADDRESS + PORT_BYTES * (number / PORT_PINS));
    const uint32_t pin = number % PORT_PINS;
    volatile uint32_t *const function = &port->AFR[pin / AFR_PINS];
    const uint32_t shift = 4u * (pin % AFR_PINS);
    *function = (*function & ~(FUNCTION_BITS << shift)) | (USART_PIN_FUNCTION << shift);
    port->PUPDR = (port->PUPDR & ~(3u << (2u * pin))) | (pull << (2u * pin));
    port->MODER = (port->MODER & ~(3u << (2u * pin))) | (mode << (2u * pin));
}

static void start_timer(void)
{
    TIM2->CR1 = 0;
    TIM2->PSC = TK_CLOCK_HZ / 1000000u - 1u;
    TIM2->ARR = UINT32_MAX;
    TIM2->EGR = TIM_EGR_UG; // or the prescaler would count from the next overflow on
    TIM2->CR1 = TIM_CR1_CEN;
}

void tk_wire_start(void)
{
    start_pin(TK_UART_TX_PIN, MODE_FUNCTION, 0);
    start_pin(TK_UART_RX_PIN, MODE_FUNCTION, PULL_UP); // so that an open line is idle
    USART->CR1 = 0;
    USART->CR2 = 0;                // 8N1
    USART->CR3 = USART_CR3_OVRDIS; // a byte that comes too fast is lost, and not the link
    USART->BRR = USART_DIVIDER;
    USART->CR1 = USART_FIFOEN | USART_RE | USART_TE;
    USART->CR1 |= USART_UE;
    USART->CR1 |= USART_RXFNE;
    NVIC_ISER(USART_IRQ) = IRQ_MASK(USART_IRQ);
}

// Both pins are pulled up, as an idle line is. A byte left over would end every sleep.
void tk_wire_stop(void)
{
    USART->CR1 = 0;
    start_pin(TK_UART_TX_PIN, MODE_INPUT, PULL_UP);
    NVIC_ICPR(USART_IRQ) = IRQ_MASK(USART_IRQ);
}

static uint32_t reset_reasons;

// Every reset drives the pin too, which therefore tells only where nothing else does (6.1.2).
static uint32_t reasons(uint32_t flags)
{
    if (flags & CSR_BORRSTF) { // power-on
        return 0;
    }
    const uint32_t inner = ((flags & CSR_WATCHDOGS) ? TK_RESET_WATCHDOG : 0u) |
                           ((flags & CSR_SFTRSTF) ? TK_RESET_SELF : 0u);
    return (inner == 0) && (flags & CSR_PINRSTF) ? TK_RESET_PIN : inner;
}

void tk_chip_start(void)
{
    reset_reasons = reasons(RCC_CSR);
    RCC_CSR |= CSR_RMVF; // or they would add up
    RCC_CSR &= ~CSR_RMVF;
    tk_clocks_start();
    start_timer();
    tk_wire_start();
}

// A pending interrupt ends WFI although PRIMASK keeps it from being taken (DDI 0403E, B1.5.19).
static void wait_asleep(uint32_t flag)
{
    while ((USART->ISR & flag) == 0) {
        __asm__ volatile("dsb\n"
                         "wfi" ::
                             : "memory");
        NVIC_ICPR(USART_IRQ) = IRQ_MASK(USART_IRQ);
    }
}

uint8_t tk_chip_receive(void)
{
    wait_asleep(USART_RXFNE);
    return (uint8_t)USART->RDR;
}

// What fits into the transmitter's FIFO at once; it holds eight bytes.
static size_t fill(const uint8_t *data, size_t bytes)
{
    size_t sent = 0;
    while ((sent < bytes) && ((USART->ISR & USART_TXFNF) != 0)) {
        USART->TDR = data[sent++];
    }
    return sent;
}

void tk_chip_send(const uint8_t *data, size_t bytes)
{
    USART->CR1 |= USART_TXFEIE;
    while (bytes > 0) {
        wait_asleep(USART_TXFE);
        const size_t sent = fill(data, bytes);
        data += sent;
        bytes -= sent;
    }
    USART->CR1 = (USART->CR1 & ~USART_TXFEIE) | USART_TC;
    wait_asleep(USART_TC);
    USART->CR1 &= ~USART_TC;
}

void tk_chip_send_polled(const uint8_t *data, size_t bytes)
{
    while (bytes > 0) {
        const size_t sent = fill(data, bytes);
        data += sent;
        bytes -= sent;
    }
    while ((USART->ISR & USART_TC) == 0) {
    }
}

uint32_t tk_chip_time_us(void) { return TIM2->CNT; }

// Its watchdogs go on while the core sleeps until the host says something, for 33 s at most.
void tk_chip_feed(void) {}

uint32_t tk_chip_reset_reasons(void) { return reset_reasons; }

#endif
