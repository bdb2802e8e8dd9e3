// What the files of the nRF52840 share.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_NRF52840_H
#define TK_NRF52840_H

#include "nordic.h"

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
