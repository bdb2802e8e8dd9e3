// MPS2 with the FPGA image of a Cortex-M3, M4 or M7 (application notes AN385, AN386, AN500).
//
// SPDX-License-Identifier: Apache-2.0

// QEMU, hw/arm/mps2.c
#define UART_ADDRESS     0x40004000u
#define UART_RECEIVE_IRQ 0u
#define FPGAIO_ADDRESS   0x40028000u
#define COUNTER_HZ       25000000u

#include "cmsdk.h"
