// System ON sleep of the nRF51822 (section numbers: nRF51 Reference Manual v3.0.1).
//
// SPDX-License-Identifier: Apache-2.0
#include "nrf51822.h"

// RTC1; 9: an interrupt has the number of its peripheral
#define RTC_ADDRESS 0x40011000u
#define RTC_IRQ     17u
#include "nordic_rest.h"

// All of it is kept: which resets leave POWER.RAMON as it is stands in no source that we found, and
// whatever is flashed next would find the second 8 KiB without power.
static void power_unused_ram(bool on) { (void)on; }
