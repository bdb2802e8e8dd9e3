// What start-up wants of an application that has no link: nobody hears of a fault.
//
// SPDX-License-Identifier: Apache-2.0
#include "../chips/chip.h"

bool tk_fault_report(const tk_fault *fault)
{
    (void)fault;
    return false; // and starting again would hide it
}
