// System ON sleep of the nRF51822 (section numbers: nRF51 Reference Manual v3.0.1).
//
// SPDX-License-Identifier: Apache-2.0
#include "nrf51822.h"

// RTC1; 9: an interrupt has the number of its peripheral
#define RTC_ADDRESS 0x40011000u
#define RTC_IRQ     17u
#include "nordic_rest.h"

// 12.2.12 POWER.RAMON: two blocks of 8 KiB. Stack and variables begin in the first.
#define POWER_RAMON     REGISTER(0x40000524u)
#define RAMON_ON_BLOCK1 (1u << 1)
#define BLOCK1_START    0x20002000u

extern const uint8_t __bss_end[]; // cortex_m.ld

static void power_unused_ram(bool on)
{
    if ((uintptr_t)__bss_end > BLOCK1_START) {
        return;
    }
    if (on) {
        POWER_RAMON |= RAMON_ON_BLOCK1;
    } else {
        POWER_RAMON &= ~RAMON_ON_BLOCK1;
    }
}
