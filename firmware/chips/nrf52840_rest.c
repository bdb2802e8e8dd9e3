// System ON sleep of the nRF52840 (section numbers: product specification v1.7).
//
// SPDX-License-Identifier: Apache-2.0
#include "nrf52840.h"

// RTC2, which no bootloader uses; 4.2.3: an interrupt has the number of its peripheral
#define RTC_ADDRESS 0x40024000u
#define RTC_IRQ     36u
#include "nordic_rest.h"

// 4.2.2, 5.3 POWER: RAM0 to RAM7 have two sections of 4 KiB each, RAM8 the rest in sections of
// 32 KiB, of which the nRF52833 has fewer. All have power after power-on; a soft reset leaves them
// as they are.
#define POWER_RAM_POWERSET(bank) REGISTER(0x40000904u + 0x10u * (bank))
#define POWER_RAM_POWERCLR(bank) REGISTER(0x40000908u + 0x10u * (bank))
#define SMALL_SECTIONS           16u
#define SMALL_BYTES              0x1000u
#define RAM_START                0x20000000u
#define LARGE_BANK               8u
#define LARGE_BYTES              0x8000u

extern const uint8_t __bss_end[], __ram_end[]; // cortex_m.ld

static void set_power(uint32_t section, bool on)
{
    const bool is_small = section < SMALL_SECTIONS;
    const uint32_t bank = is_small ? section / 2u : LARGE_BANK;
    const uint32_t bit = 1u << (is_small ? section % 2u : section - SMALL_SECTIONS);
    if (on) {
        POWER_RAM_POWERSET(bank) = bit;
    } else {
        POWER_RAM_POWERCLR(bank) = bit;
    }
}

// Of the sections that are wholly behind the last variable: the stack is below all of them.
static void power_unused_ram(bool on)
{
    uintptr_t start = RAM_START;
    for (uint32_t section = 0; start < (uintptr_t)__ram_end; section++) {
        if (start >= (uintptr_t)__bss_end) {
            set_power(section, on);
        }
        start += section < SMALL_SECTIONS ? SMALL_BYTES : LARGE_BYTES;
    }
}
