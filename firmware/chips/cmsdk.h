// Link and timer of the FPGA images of Arm's MPS2 and MPS3 boards: the UART of the Cortex-M System
// Design Kit (DDI 0479) and the counter of the FPGA's control block, as QEMU's hw/char/
// cmsdk-apb-uart.c and hw/misc/mps2-fpgaio.c have them.
//
// Included once, by the chip's file, which says where they lie:
// UART_ADDRESS, UART_RECEIVE_IRQ, FPGAIO_ADDRESS, COUNTER_HZ.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_CMSDK_H
#define TK_CMSDK_H

#include "board.h"
#include "chip.h"
#include "unwatched.h"

#define REGISTER(address) (*(volatile uint32_t *)(address))

typedef struct {
    volatile uint32_t DATA, STATE, CTRL, INTSTATUS, BAUDDIV;
} cmsdk_uart;

#define UART                   ((cmsdk_uart *)UART_ADDRESS)
#define UART_STATE_TX_FULL     (1u << 0)
#define UART_STATE_RX_FULL     (1u << 1)
#define UART_CTRL_TX           (1u << 0)
#define UART_CTRL_RX           (1u << 1)
#define UART_CTRL_RX_INTERRUPT (1u << 3)
#define UART_INTSTATUS_RX      (1u << 1)

// PRESCALE reloads the divider in front of COUNTER
#define FPGAIO_COUNTER  REGISTER(FPGAIO_ADDRESS + 0x18u)
#define FPGAIO_PRESCALE REGISTER(FPGAIO_ADDRESS + 0x1cu)

#define NVIC_ISER(irq) REGISTER(0xe000e100u + 4u * ((irq) / 32u))
#define NVIC_ICPR(irq) REGISTER(0xe000e280u + 4u * ((irq) / 32u))
#define IRQ_MASK(irq)  (1u << ((irq) % 32u))

void tk_chip_start(void)
{
    FPGAIO_PRESCALE = COUNTER_HZ / 1000000u - 1u;
    FPGAIO_COUNTER = 0;
    UART->CTRL = 0;
    UART->BAUDDIV = TK_CLOCK_HZ / TK_UART_BAUD;
    UART->INTSTATUS = UINT32_MAX;
    UART->CTRL = UART_CTRL_TX | UART_CTRL_RX | UART_CTRL_RX_INTERRUPT;
    NVIC_ISER(UART_RECEIVE_IRQ) = IRQ_MASK(UART_RECEIVE_IRQ);
}

// A pending interrupt ends WFI although PRIMASK keeps it from being taken (DDI 0403E, B1.5.19).
uint8_t tk_chip_receive(void)
{
    while ((UART->STATE & UART_STATE_RX_FULL) == 0) {
        __asm__ volatile("dsb\n"
                         "wfi" ::
                             : "memory");
    }
    const uint8_t byte = (uint8_t)UART->DATA;
    UART->INTSTATUS = UART_INTSTATUS_RX;
    NVIC_ICPR(UART_RECEIVE_IRQ) = IRQ_MASK(UART_RECEIVE_IRQ);
    return byte;
}

// The buffer holds one byte, so there is nothing to sleep for.
void tk_chip_send(const uint8_t *data, size_t bytes) { tk_chip_send_polled(data, bytes); }

void tk_chip_send_polled(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while (UART->STATE & UART_STATE_TX_FULL) {
        }
        UART->DATA = data[i];
    }
}

uint32_t tk_chip_time_us(void) { return FPGAIO_COUNTER; }

#endif
