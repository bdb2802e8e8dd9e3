// MPS2 with the FPGA image of a Cortex-M33 in the IoT Kit, in its secure state (AN505).
//
// SPDX-License-Identifier: Apache-2.0

// QEMU, hw/arm/mps2-tz.c: the secure aliases; external interrupts follow the kit's own 32
#define UART_ADDRESS     0x50200000u
#define UART_RECEIVE_IRQ 32u
#define FPGAIO_ADDRESS   0x50302000u
#define COUNTER_HZ       20000000u

#include "cmsdk.h"
