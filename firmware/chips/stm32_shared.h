// What the files of an STM32 share (sections: RM0432 rev 9).
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_STM32_SHARED_H
#define TK_STM32_SHARED_H

#include <stddef.h>
#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

// 38.4.10 TIM2, which has 32 bits
typedef struct {
    volatile uint32_t CR1, CR2, SMCR, DIER, SR, EGR, CCMR1, CCMR2, CCER, CNT, PSC, ARR;
} timer;

_Static_assert(offsetof(timer, ARR) == 0x2c, "38.4.10");

#define TIM2        ((timer *)0x40000000u)
#define TIM_CR1_CEN 1u
#define TIM_EGR_UG  1u

#define NVIC_ISER(irq) REGISTER(0xe000e100u + 4u * ((irq) / 32u))
#define NVIC_ICPR(irq) REGISTER(0xe000e280u + 4u * ((irq) / 32u))
#define IRQ_MASK(irq)  (1u << ((irq) % 32u))

// The clocks of the core and the wire, from reset or from HSI16, with the PLL off.
void tk_clocks_start(void);

// The wire of the link, whose clock is HSI16.
void tk_wire_start(void);
void tk_wire_stop(void);

#endif
