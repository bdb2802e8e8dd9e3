// Frames of the link protocol (docs/protocol.md), without the wire: bytes in, frames out and back.
//
// SPDX-License-Identifier: Apache-2.0
#ifndef TK_FRAME_H
#define TK_FRAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TK_FRAME_VERSION       1u
#define TK_FRAME_HEADER_BYTES  10u
#define TK_FRAME_PAYLOAD_BYTES 492u
#define TK_FRAME_CRC_BYTES     4u
#define TK_FRAME_PLAIN_BYTES   (TK_FRAME_HEADER_BYTES + TK_FRAME_PAYLOAD_BYTES + TK_FRAME_CRC_BYTES)
#define TK_FRAME_WIRE_BYTES    512u

typedef struct {
    uint8_t version;
    uint8_t type;
    uint16_t sequence;
    uint32_t offset;
    uint16_t length; // of the payload
} tk_header;

// One frame, coming or going. The protocol is lock-step, so an answer may overwrite its request.
typedef struct {
    uint8_t wire[TK_FRAME_WIRE_BYTES];
    uint32_t crc;
    uint16_t plain_bytes; // decoded so far
    uint8_t block_left;   // bytes to come before the next COBS code
    bool zero_due;        // the block that ended stood for a zero behind it
    bool overlong;
} tk_frame;

typedef enum {
    TK_FRAME_PARTIAL, // feed more
    TK_FRAME_WHOLE,   // header and payload may be read until the next feed
    TK_FRAME_BAD,     // dropped
} tk_frame_status;

#define TK_MUST_CHECK __attribute__((warn_unused_result))

void tk_frame_reset(tk_frame *frame);
TK_MUST_CHECK tk_frame_status tk_frame_feed(tk_frame *frame, uint8_t byte);
tk_header tk_frame_header(const tk_frame *frame);

// Where the payload of the frame is read and that of an answer is written.
uint8_t *tk_frame_payload(tk_frame *frame);

// Turns header and payload into the bytes of frame->wire; returns their number. The length must
// not be above TK_FRAME_PAYLOAD_BYTES. The frame is then ready to be fed again.
TK_MUST_CHECK size_t tk_frame_encode(tk_frame *frame, const tk_header *header);

uint16_t tk_load_u16(const uint8_t *from);
uint32_t tk_load_u32(const uint8_t *from);
uint8_t *tk_store_u16(uint8_t *to, uint16_t value); // returns the byte behind
uint8_t *tk_store_u32(uint8_t *to, uint32_t value);

#endif
