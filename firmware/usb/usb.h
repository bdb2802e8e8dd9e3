// What a USB device answers to the requests of the host, apart from any controller.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_USB_H
#define TK_USB_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TK_USB_PACKET_BYTES 64u // of endpoint 0 and of the bulk endpoints, full speed

// The endpoints of the one configuration, as the host addresses them (USB 2.0, 9.6.6).
enum {
    TK_USB_OUT = 0x02,    // bulk, from the host
    TK_USB_IN = 0x82,     // bulk, to the host
    TK_USB_NOTICE = 0x81, // interrupt, to the host; CDC demands it, nothing is ever sent
};

// The eight bytes of a SETUP packet (USB 2.0, 9.3).
typedef struct {
    uint8_t type;
    uint8_t request;
    uint16_t value;
    uint16_t index;
    uint16_t length;
} tk_usb_setup;

typedef enum {
    TK_USB_STALL,  // refused
    TK_USB_STATUS, // done: no data, or all of it taken
    TK_USB_SEND,   // `bytes` of `data` go to the host
    TK_USB_TAKE,   // the host sends its data
} tk_usb_stage;

typedef struct {
    tk_usb_stage stage;
    const uint8_t *data;
    uint16_t bytes;
} tk_usb_reply;

// The host has reset the bus, or the cable is out.
void tk_usb_reset(void);

// Answers a request; SET_ADDRESS is the controller's own. `data` stays valid until the next one.
tk_usb_reply tk_usb_request(const tk_usb_setup *setup);

// Takes the data of the request that was answered with TK_USB_TAKE.
tk_usb_stage tk_usb_data(const uint8_t *data, size_t bytes);

// The host has chosen the configuration: the bulk endpoints exist.
bool tk_usb_configured(void);

// A program has the serial port open (CDC's DTR).
bool tk_usb_open(void);

// A program has opened and closed the port at 1200 baud: it wants the bootloader.
bool tk_usb_touched(void);

// What the controller gives to this file.

// Switches the endpoints other than 0 on, with their toggles at DATA0, or off.
void tk_usb_enable_endpoints(bool on);

// Stalls an endpoint, or ends that and sets its toggle to DATA0 (USB 2.0, 9.4.5).
void tk_usb_halt(uint8_t endpoint, bool halted);

// The chip's own number, for the serial number of the device.
uint64_t tk_usb_chip_number(void);

#endif
