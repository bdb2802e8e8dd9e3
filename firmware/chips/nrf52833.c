// The nRF52833: as far as the firmware goes it differs from the nRF52840 in the sizes of its
// memories alone. Peripherals, addresses and interrupts: its product specification v1.5, 4.2.3.
//
// SPDX-License-Identifier: Apache-2.0
#include "nrf52840.c"
