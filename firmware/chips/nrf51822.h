// What the files of the nRF51822 share.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_NRF51822_H
#define TK_NRF51822_H

#include "nordic.h"

// A pending interrupt ends WFI although PRIMASK keeps it from being taken (DDI 0419, B1.5.18).
static inline void tk_sleep(void)
{
    __asm__ volatile("dsb\n"
                     "wfi" ::
                         : "memory");
}

#endif
