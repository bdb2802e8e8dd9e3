// What the files of a Nordic chip share, the nRF51 and the nRF52 alike.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_NORDIC_H
#define TK_NORDIC_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

#define NVIC_ISER(irq) REGISTER(0xe000e100u + 4u * ((irq) / 32u))
#define NVIC_ICPR(irq) REGISTER(0xe000e280u + 4u * ((irq) / 32u))
#define NVIC_BIT(irq)  (1u << ((irq) % 32u))

// Starts the wire of the link, last of all; which one is a matter of the files in the image.
void tk_wire_start(void);

// Ends it, so that it draws no current.
void tk_wire_stop(void);

// Returns when the fast clock comes from the crystal, which the wire needs.
void tk_crystal_start(void);

// Everything goes on from the RC oscillator, which starts by itself.
void tk_crystal_stop(void);

#endif
