// Feeds the USB device requests from stdin, and holds its answers against what the standard allows.
//
// Every request is eight bytes of SETUP, a length, and so many bytes of data.
//
// SPDX-License-Identifier: Apache-2.0
#include "../../firmware/usb/usb.h"

#include <assert.h>
#include <stdio.h>

static bool enabled;
static volatile uint8_t seen;

void tk_usb_enable_endpoints(bool on) { enabled = on; }

void tk_usb_halt(uint8_t endpoint, bool halted)
{
    assert(enabled);
    assert((endpoint == TK_USB_IN) || (endpoint == TK_USB_OUT) || (endpoint == TK_USB_NOTICE));
    (void)halted;
}

uint64_t tk_usb_chip_number(void) { return 0x0123456789abcdefu; }

static void check(const tk_usb_setup *setup, tk_usb_reply reply, const uint8_t *data, size_t bytes)
{
    const bool to_host = (setup->type & 0x80u) != 0;
    switch (reply.stage) {
    case TK_USB_SEND:
        assert(to_host && (reply.bytes > 0) && (reply.bytes <= setup->length));
        for (size_t i = 0; i < reply.bytes; i++) {
            seen = reply.data[i]; // the sanitizer looks where it is
        }
        break;
    case TK_USB_TAKE:
        assert(!to_host && (setup->length > 0));
        (void)tk_usb_data(data, bytes);
        break;
    case TK_USB_STATUS:
        assert(setup->length == 0);
        break;
    default:
        assert(tk_usb_data(data, bytes) == TK_USB_STALL); // nothing was asked for
        break;
    }
    assert(tk_usb_configured() == enabled);
    assert(enabled || !tk_usb_open());
}

int main(void)
{
    uint8_t packet[9];
    uint8_t data[255];
    unsigned long requests = 0;
    tk_usb_reset();
    while (fread(packet, 1, sizeof packet, stdin) == sizeof packet) {
        const size_t bytes = fread(data, 1, packet[8], stdin);
        const tk_usb_setup setup = {
            .type = packet[0],
            .request = packet[1],
            .value = (uint16_t)(packet[3] << 8 | packet[2]),
            .index = (uint16_t)(packet[5] << 8 | packet[4]),
            .length = (uint16_t)(packet[7] << 8 | packet[6]),
        };
        check(&setup, tk_usb_request(&setup), data, bytes);
        requests++;
    }
    printf("%lu\n", requests);
    return 0;
}
