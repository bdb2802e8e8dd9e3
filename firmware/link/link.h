// Requests in, answers out, over the chip's wire.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_LINK_H
#define TK_LINK_H

#include "frame.h"

// docs/protocol.md, Requests and Errors
typedef enum {
    TK_HELLO = 0x01,
    TK_WRITE = 0x02,
    TK_RUN = 0x03,
    TK_READ = 0x04,
    TK_TRACE_LAYER = 0x05,
    TK_PEEK = 0x06,
    TK_STATUS = 0x07,
    TK_ANSWER = 0x80, // is added to the request
    TK_REFUSAL = 0xfe,
    TK_FAULT = 0xff,
} tk_type;

typedef enum {
    TK_OK = 0,
    TK_BAD_VERSION = 1,
    TK_BAD_TYPE = 2,
    TK_BAD_LENGTH = 3,
    TK_GAP = 4,
    TK_TOO_LONG = 5,
    TK_INCOMPLETE = 6,
    TK_ALREADY_RUN = 7,
    TK_NOT_RUN = 8,
    TK_OUT_OF_RANGE = 9,
    TK_NOT_IN_THIS_BUILD = 10,
    TK_NO_SESSION = 11,
} tk_error;

// Sleeps until a whole frame is there; its payload stays valid until tk_link_send.
tk_header tk_link_receive(void);

// The payload of the request, to be overwritten by that of the answer.
uint8_t *tk_link_payload(void);

void tk_link_send(const tk_header *answer);

#endif
