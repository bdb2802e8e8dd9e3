// libFuzzer: whatever the USB host asks, the answer is one that the standard allows.
//
// The data are requests: eight bytes of SETUP, a length, and so many bytes of data.
//
// SPDX-License-Identifier: Apache-2.0
#include "../../firmware/usb/usb.h"

#include <assert.h>

#define SETUP_BYTES 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes);

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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t bytes)
{
    tk_usb_reset();
    while (bytes >= SETUP_BYTES + 1u) {
        const tk_usb_setup setup = {
            .type = data[0],
            .request = data[1],
            .value = (uint16_t)(data[3] << 8 | data[2]),
            .index = (uint16_t)(data[5] << 8 | data[4]),
            .length = (uint16_t)(data[7] << 8 | data[6]),
        };
        const size_t left = bytes - SETUP_BYTES - 1u;
        const size_t count = data[SETUP_BYTES] % (TK_USB_PACKET_BYTES + 1u);
        const size_t taken = count < left ? count : left;
        data += SETUP_BYTES + 1u;
        check(&setup, tk_usb_request(&setup), data, taken);
        data += taken;
        bytes = left - taken;
    }
    return 0;
}
