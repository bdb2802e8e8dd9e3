// MPS3 with the FPGA image of a Cortex-M55 in Corstone SSE-300, in its secure state (AN547).
//
// SPDX-License-Identifier: Apache-2.0

// QEMU, hw/arm/mps2-tz.c: the secure aliases
#define UART_ADDRESS     0x59303000u
#define UART_RECEIVE_IRQ 33u
#define FPGAIO_ADDRESS   0x59302000u
#define COUNTER_HZ       20000000u

#include "cmsdk.h"
