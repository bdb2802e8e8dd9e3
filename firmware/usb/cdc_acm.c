// A serial port over USB: one configuration with CDC's abstract control model.
//
// USB 2.0, chapter 9; CDC 1.2 with its PSTN subclass 1.2.
//
// SPDX-License-Identifier: Apache-2.0
#include "board.h"
#include "usb.h"

// USB 2.0, table 9-2: bmRequestType and, above it, bRequest
#define REQUEST(type, request) ((uint16_t)((request) << 8 | (type)))

enum {
    GET_STATUS_DEVICE = REQUEST(0x80, 0),
    GET_STATUS_INTERFACE = REQUEST(0x81, 0),
    GET_STATUS_ENDPOINT = REQUEST(0x82, 0),
    CLEAR_FEATURE_ENDPOINT = REQUEST(0x02, 1),
    SET_FEATURE_ENDPOINT = REQUEST(0x02, 3),
    GET_DESCRIPTOR = REQUEST(0x80, 6),
    GET_CONFIGURATION = REQUEST(0x80, 8),
    SET_CONFIGURATION = REQUEST(0x00, 9),
    GET_INTERFACE = REQUEST(0x81, 10),
    SET_INTERFACE = REQUEST(0x01, 11),
    SET_LINE_CODING = REQUEST(0x21, 0x20), // PSTN 1.2, table 13
    GET_LINE_CODING = REQUEST(0xa1, 0x21),
    SET_CONTROL_LINE_STATE = REQUEST(0x21, 0x22),
    SEND_BREAK = REQUEST(0x21, 0x23),
};

enum { DESCRIPTOR_DEVICE = 1, DESCRIPTOR_CONFIGURATION = 2, DESCRIPTOR_STRING = 3 };
enum { STRING_LANGUAGES, STRING_MAKER, STRING_PRODUCT, STRING_SERIAL };
enum { CONTROL_INTERFACE, DATA_INTERFACE, INTERFACES };

#define TO_HOST           0x80u // USB 2.0, table 9-2: bmRequestType
#define CONFIGURATION     1u    // the only one
#define ENDPOINT_HALT     0u    // USB 2.0, table 9-6
#define LINE_CODING_BYTES 7u
#define LINE_STATE_DTR    1u
#define TOUCH_BAUD        1200u
#define LOW(value)        ((value) & 0xffu)
#define HIGH(value)       ((value) >> 8)

#define CONFIGURATION_BYTES 75u

// clang-format off: a line for each field or descriptor
static const uint8_t device_descriptor[] = {
    18, DESCRIPTOR_DEVICE,
    0x00, 0x02, // USB 2.0
    0xef, 0x02, 0x01, // two interfaces that belong together (interface association)
    TK_USB_PACKET_BYTES,
    LOW(TK_USB_VENDOR_ID), HIGH(TK_USB_VENDOR_ID),
    LOW(TK_USB_PRODUCT_ID), HIGH(TK_USB_PRODUCT_ID),
    0x00, 0x01, // release 1.0
    STRING_MAKER, STRING_PRODUCT, STRING_SERIAL,
    1, // configuration
};

static const uint8_t configuration_descriptor[] = {
    9, DESCRIPTOR_CONFIGURATION, CONFIGURATION_BYTES, 0, INTERFACES, CONFIGURATION, 0,
        0x80, // powered by the bus, cannot wake the host
        50, // times 2 mA
    8, 11, CONTROL_INTERFACE, INTERFACES, 0x02, 0x02, 0x00, 0, // interface association
    9, 4, CONTROL_INTERFACE, 0, 1, 0x02, 0x02, 0x00, 0, // communications, abstract control
    5, 0x24, 0x00, 0x20, 0x01, // CDC 1.2
    5, 0x24, 0x01, 0x00, DATA_INTERFACE, // no call management
    4, 0x24, 0x02, 0x02, // line coding and line state
    5, 0x24, 0x06, CONTROL_INTERFACE, DATA_INTERFACE, // union
    7, 5, TK_USB_NOTICE, 3, 8, 0, 255, // interrupt, 8 bytes, every 255 ms
    9, 4, DATA_INTERFACE, 0, 2, 0x0a, 0x00, 0x00, 0, // data
    7, 5, TK_USB_OUT, 2, TK_USB_PACKET_BYTES, 0, 0, // bulk
    7, 5, TK_USB_IN, 2, TK_USB_PACKET_BYTES, 0, 0, // bulk
};
// clang-format on

_Static_assert(sizeof device_descriptor == 18, "USB 2.0, table 9-8");
_Static_assert(sizeof configuration_descriptor == CONFIGURATION_BYTES, "its own total");

typedef struct {
    bool configured;
    bool open;
    bool touched;
    bool data_expected;
    uint8_t halted; // a bit for each row of `endpoints`
    uint8_t line_coding[LINE_CODING_BYTES];
} port;

static port now;

static const uint8_t endpoints[] = {TK_USB_NOTICE, TK_USB_OUT, TK_USB_IN};

#define ENDPOINTS (sizeof endpoints / sizeof endpoints[0])

static uint8_t answer[TK_USB_PACKET_BYTES]; // what is made up for one request

void tk_usb_reset(void)
{
    now = (port){.line_coding = {0x00, 0xc2, 0x01, 0x00, 0, 0, 8}}; // 115 200, 8N1
    tk_usb_enable_endpoints(false);
}

bool tk_usb_configured(void) { return now.configured; }

bool tk_usb_open(void) { return now.open; }

bool tk_usb_touched(void) { return now.touched; }

static tk_usb_reply stall(void) { return (tk_usb_reply){.stage = TK_USB_STALL}; }

static tk_usb_reply status(void) { return (tk_usb_reply){.stage = TK_USB_STATUS}; }

// The host may ask for less than there is; it gets no more than there is (USB 2.0, 9.3.5).
static tk_usb_reply send(const tk_usb_setup *setup, const uint8_t *data, size_t bytes)
{
    const uint16_t wanted = setup->length;
    if (wanted == 0) {
        return status();
    }
    return (tk_usb_reply){TK_USB_SEND, data, bytes < wanted ? (uint16_t)bytes : wanted};
}

static tk_usb_reply send_word(const tk_usb_setup *setup, uint8_t value, size_t bytes)
{
    answer[0] = value;
    answer[1] = 0;
    return send(setup, answer, bytes);
}

// UTF-16LE behind its own two bytes of head.
static tk_usb_reply send_text(const tk_usb_setup *setup, const char *text)
{
    size_t bytes = 2;
    for (; (*text != '\0') && (bytes < sizeof answer); bytes += 2) {
        answer[bytes] = (uint8_t)*text++;
        answer[bytes + 1] = 0;
    }
    answer[0] = (uint8_t)bytes;
    answer[1] = DESCRIPTOR_STRING;
    return send(setup, answer, bytes);
}

static tk_usb_reply send_serial(const tk_usb_setup *setup)
{
    enum { DIGITS = 16 };
    char text[DIGITS + 1];
    uint64_t number = tk_usb_chip_number();
    for (size_t i = DIGITS; i-- > 0; number >>= 4) {
        text[i] = "0123456789ABCDEF"[number & 15u];
    }
    text[DIGITS] = '\0';
    return send_text(setup, text);
}

static tk_usb_reply send_string(const tk_usb_setup *setup)
{
    static const uint8_t languages[] = {4, DESCRIPTOR_STRING, 0x09, 0x04}; // English (U. S.)
    switch (LOW(setup->value)) {
    case STRING_LANGUAGES:
        return send(setup, languages, sizeof languages);
    case STRING_MAKER:
        return send_text(setup, "tinykit");
    case STRING_PRODUCT:
        return send_text(setup, TK_BOARD_NAME);
    case STRING_SERIAL:
        return send_serial(setup);
    default:
        return stall();
    }
}

static tk_usb_reply send_descriptor(const tk_usb_setup *setup)
{
    if (HIGH(setup->value) == DESCRIPTOR_STRING) {
        return send_string(setup);
    }
    if (LOW(setup->value) != 0) {
        return stall();
    }
    switch (HIGH(setup->value)) {
    case DESCRIPTOR_DEVICE:
        return send(setup, device_descriptor, sizeof device_descriptor);
    case DESCRIPTOR_CONFIGURATION:
        return send(setup, configuration_descriptor, sizeof configuration_descriptor);
    default: // of a full-speed device the qualifier too (USB 2.0, 9.6.2)
        return stall();
    }
}

static tk_usb_reply set_configuration(const tk_usb_setup *setup)
{
    if (setup->value > CONFIGURATION) {
        return stall();
    }
    now.configured = setup->value == CONFIGURATION;
    now.open = false;
    now.halted = 0;
    tk_usb_enable_endpoints(now.configured);
    return status();
}

// Returns the row of `endpoints`, or ENDPOINTS if the host may not ask about that one.
static size_t find_endpoint(const tk_usb_setup *setup)
{
    size_t row = 0;
    while ((row < ENDPOINTS) && (!now.configured || (endpoints[row] != setup->index))) {
        row++;
    }
    return row;
}

static tk_usb_reply endpoint_status(const tk_usb_setup *setup)
{
    const size_t row = find_endpoint(setup);
    if ((setup->index & 0x7fu) == 0) {
        return send_word(setup, 0, 2); // endpoint 0, in either direction
    }
    return row < ENDPOINTS ? send_word(setup, now.halted >> row & 1u, 2) : stall();
}

static tk_usb_reply set_halted(const tk_usb_setup *setup, bool halted)
{
    const size_t row = find_endpoint(setup);
    if ((row == ENDPOINTS) || (setup->value != ENDPOINT_HALT)) {
        return stall();
    }
    const uint8_t bit = (uint8_t)(1u << row);
    now.halted = halted ? now.halted | bit : now.halted & (uint8_t)~bit;
    tk_usb_halt(endpoints[row], halted);
    return status();
}

static tk_usb_reply set_line_state(const tk_usb_setup *setup)
{
    const uint32_t baud = now.line_coding[0] | (uint32_t)now.line_coding[1] << 8 |
                          (uint32_t)now.line_coding[2] << 16 | (uint32_t)now.line_coding[3] << 24;
    const bool open = (setup->value & LINE_STATE_DTR) != 0;
    now.touched = now.open && !open && (baud == TOUCH_BAUD);
    now.open = open;
    return status();
}

static bool has_interface(const tk_usb_setup *setup)
{
    return now.configured && (setup->index < INTERFACES);
}

static tk_usb_reply about_interface(const tk_usb_setup *setup, uint16_t request)
{
    if (!has_interface(setup)) {
        return stall();
    }
    switch (request) {
    case GET_STATUS_INTERFACE:
        return send_word(setup, 0, 2);
    case GET_INTERFACE:
        return send_word(setup, 0, 1);
    default: // SET_INTERFACE: none has another setting than 0
        return setup->value == 0 ? status() : stall();
    }
}

static tk_usb_reply about_line(const tk_usb_setup *setup, uint16_t request)
{
    if (!now.configured || (setup->index != CONTROL_INTERFACE)) {
        return stall();
    }
    switch (request) {
    case GET_LINE_CODING:
        return send(setup, now.line_coding, LINE_CODING_BYTES);
    case SET_CONTROL_LINE_STATE:
        return set_line_state(setup);
    case SEND_BREAK:
        return status();
    default: // SET_LINE_CODING
        now.data_expected = setup->length == LINE_CODING_BYTES;
        return now.data_expected ? (tk_usb_reply){.stage = TK_USB_TAKE} : stall();
    }
}

tk_usb_reply tk_usb_request(const tk_usb_setup *setup)
{
    const uint16_t request = REQUEST(setup->type, setup->request);
    const bool to_host = (setup->type & TO_HOST) != 0;
    now.data_expected = false;
    if (!to_host && (setup->length != 0) && (request != SET_LINE_CODING)) {
        return stall();
    }
    switch (request) {
    case GET_DESCRIPTOR:
        return send_descriptor(setup);
    case GET_STATUS_DEVICE:
        return send_word(setup, 0, 2);
    case GET_CONFIGURATION:
        return send_word(setup, now.configured ? CONFIGURATION : 0, 1);
    case SET_CONFIGURATION:
        return set_configuration(setup);
    case GET_STATUS_ENDPOINT:
        return endpoint_status(setup);
    case CLEAR_FEATURE_ENDPOINT:
    case SET_FEATURE_ENDPOINT:
        return set_halted(setup, request == SET_FEATURE_ENDPOINT);
    case GET_STATUS_INTERFACE:
    case GET_INTERFACE:
    case SET_INTERFACE:
        return about_interface(setup, request);
    case SET_LINE_CODING:
    case GET_LINE_CODING:
    case SET_CONTROL_LINE_STATE:
    case SEND_BREAK:
        return about_line(setup, request);
    default:
        return stall();
    }
}

tk_usb_stage tk_usb_data(const uint8_t *data, size_t bytes)
{
    if (!now.data_expected || (bytes != LINE_CODING_BYTES)) {
        return TK_USB_STALL;
    }
    now.data_expected = false;
    for (size_t i = 0; i < LINE_CODING_BYTES; i++) {
        now.line_coding[i] = data[i];
    }
    return TK_USB_STATUS;
}
