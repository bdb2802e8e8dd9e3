// A chip whose wire is stdin and stdout; when its input ends it reports a made-up fault.
//
// SPDX-License-Identifier: Apache-2.0
#include "../../firmware/chips/chip.h"

#include <stdio.h>
#include <stdlib.h>

#ifdef TK_TEST_IMAGE
static const uint8_t image[] = {
#include TK_TEST_IMAGE // of the build folder that tests/native.py compiles
};
#else
// Known to tests/test_link_c.py.
static const uint8_t image[] = "the image that the board reads from its own flash";
#endif

static uint32_t now_us;

enum { FAULT_RESTART = 0, FAULT_STOP = 3 };

void tk_chip_feed(void) {}

uint32_t tk_chip_reset_reasons(void) { return TK_RESET_WATCHDOG; }

tk_stack tk_chip_stack(void) { return (tk_stack){1024, 300}; }

uint8_t tk_chip_receive(void)
{
    const int byte = getchar();
    if (byte == EOF) {
        const tk_fault fault = {.pc = 1, .lr = 2, .cfsr = 3, .hfsr = 4, .address = 5};
        exit(tk_fault_report(&fault) ? FAULT_RESTART : FAULT_STOP);
    }
    return (uint8_t)byte;
}

void tk_chip_send(const uint8_t *data, size_t bytes)
{
    if ((fwrite(data, 1, bytes, stdout) != bytes) || (fflush(stdout) != 0)) {
        exit(1);
    }
}

void tk_chip_send_polled(const uint8_t *data, size_t bytes) { tk_chip_send(data, bytes); }

// 1000 us between any two looks.
uint32_t tk_chip_time_us(void) { return now_us += 1000; }

tk_image tk_chip_image(void) { return (tk_image){image, sizeof image}; }
