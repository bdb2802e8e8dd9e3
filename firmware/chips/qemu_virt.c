// Link and timer of QEMU's RISC-V machine virt: a 16550, the PLIC, the ACLINT's mtime.
//
// SPDX-License-Identifier: Apache-2.0
#include "chip.h"
#include "unwatched.h"

#define REGISTER(address)  (*(volatile uint32_t *)(address))
#define REGISTER8(address) (*(volatile uint8_t *)(address))

// QEMU, hw/riscv/virt.c: VIRT_UART0; registers of a 16550
#define UART_DATA       REGISTER8(0x10000000u)
#define UART_IER        REGISTER8(0x10000001u)
#define UART_FCR        REGISTER8(0x10000002u)
#define UART_LCR        REGISTER8(0x10000003u)
#define UART_LSR        REGISTER8(0x10000005u)
#define UART_IER_RX     1u
#define UART_LCR_8N1    3u
#define UART_LSR_RX     1u
#define UART_LSR_TX     0x20u
#define UART_FCR_ENABLE 1u
#define UART_IRQ        10u

// QEMU, hw/riscv/virt.c: VIRT_PLIC; context 0 is the hart's machine mode
#define PLIC_PRIORITY(irq) REGISTER(0x0c000000u + 4u * (irq))
#define PLIC_ENABLE        REGISTER(0x0c002000u)
#define PLIC_THRESHOLD     REGISTER(0x0c200000u)
#define PLIC_CLAIM         REGISTER(0x0c200004u)

// QEMU, hw/riscv/virt.c: VIRT_ACLINT, 10 MHz
#define MTIME_LOW    REGISTER(0x0200bff8u)
#define MTIME_HIGH   REGISTER(0x0200bffcu)
#define TICKS_PER_US 10u

// QEMU, hw/misc/sifive_test.c: VIRT_TEST
#define TEST       REGISTER(0x00100000u)
#define TEST_RESET 0x7777u

void tk_chip_start(void)
{
    UART_LCR = UART_LCR_8N1;
    UART_FCR = UART_FCR_ENABLE;
    UART_IER = UART_IER_RX;
    PLIC_PRIORITY(UART_IRQ) = 1;
    PLIC_ENABLE = 1u << UART_IRQ;
    PLIC_THRESHOLD = 0;
}

// A pending interrupt ends WFI although mstatus.MIE keeps it from being taken (privileged
// specification, 3.3.3).
uint8_t tk_chip_receive(void)
{
    while ((UART_LSR & UART_LSR_RX) == 0) {
        __asm__ volatile("wfi" ::: "memory");
        const uint32_t claimed = PLIC_CLAIM;
        if (claimed != 0) {
            PLIC_CLAIM = claimed;
        }
    }
    return UART_DATA;
}

void tk_chip_send(const uint8_t *data, size_t bytes) { tk_chip_send_polled(data, bytes); }

void tk_chip_send_polled(const uint8_t *data, size_t bytes)
{
    for (size_t i = 0; i < bytes; i++) {
        while ((UART_LSR & UART_LSR_TX) == 0) {
        }
        UART_DATA = data[i];
    }
}

void tk_chip_restart(void)
{
    TEST = TEST_RESET;
    tk_chip_stop();
}

uint32_t tk_chip_time_us(void)
{
    uint32_t high = MTIME_HIGH;
    uint32_t low = MTIME_LOW;
    while (high != MTIME_HIGH) { // it has wrapped between the two
        high = MTIME_HIGH;
        low = MTIME_LOW;
    }
    return (uint32_t)(((uint64_t)high << 32 | low) / TICKS_PER_US);
}
