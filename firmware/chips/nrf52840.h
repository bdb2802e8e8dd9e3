// What the files of the nRF52840 share.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_NRF52840_H
#define TK_NRF52840_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define NVIC_ISER(irq) REGISTER(0xe000e100u + 4u * ((irq) / 32u))
#define NVIC_ICPR(irq) REGISTER(0xe000e280u + 4u * ((irq) / 32u))
#define NVIC_BIT(irq)  (1u << ((irq) % 32u))

// Starts the wire of the link, last of all; one of nrf52840_uart.c and nrf52840_usb.c is in the
// image.
void tk_wire_start(void);

// Ends it, so that it draws no current.
void tk_wire_stop(void);

// Returns when the fast clock comes from the crystal, which the wire needs.
void tk_crystal_start(void);
void tk_crystal_stop(void);

// A pending interrupt ends WFI although PRIMASK keeps it from being taken (DDI 0403E, B1.5.19).
// Erratum 87: a floating point exception flag left in FPSCR would end it too.
static inline void tk_sleep(void)
{
    __asm__ volatile("vmsr fpscr, %0\n"
                     "dsb\n"
                     "wfi" ::"r"(0)
                     : "memory");
}

#endif
